// The rules that send alerts to the queue: one per alert type, one for every other detail-type of the alert sources, and
// one for every other source.
//
//   bus ─┬─ an alert source ─┬─ detail-type = an alert type ──▶ queue ──▶ function
//        │                   └─ any other detail-type ────────▶ queue ──▶ function, which maps or parks it
//        └─ any other source ─────────────────────────────────▶ queue ──▶ function, which maps or parks it
//        not delivered within 24 hours ──▶ the dead-letter queue of the rule
//
// Never: matches an insight. Insights have a source of their own, so the function does not receive its own events.

import { Duration, Stack } from "aws-cdk-lib";
import * as events from "aws-cdk-lib/aws-events";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { INSIGHT_SOURCE, PropError } from "./props";
import { allowRulesToSend, deadLetterQueue } from "./queues";

/** The name of the rule for unknown detail-types. It cannot be an alert type, because no id begins with a capital letter. */
const UNKNOWN = "Unknown";

/** The name of the rule for other sources. */
const OTHER_SOURCES = "OtherSources";

/** The bus of every account. AWS's services put their events on it, so it has no rule for other sources. */
export const DEFAULT_BUS = "default";

const RULE_NAME_CHARS_MAX = 64;

/** How long and how often EventBridge retries a delivery. Both are EventBridge's maximum. */
const DELIVERY_AGE_MAX = Duration.hours(24);
const DELIVERY_RETRIES_MAX = 185;

export interface AlertRulesProps {
  readonly bus: events.IEventBus;
  readonly busName: string;
  /** The sources of alerts. */
  readonly sources: readonly string[];
  readonly alertTypes: readonly string[];
  readonly queue: sqs.Queue;
}

interface AlertRule {
  readonly name: string;
  readonly description: string;
  readonly eventPattern: events.EventPattern;
}

export class AlertRules extends Construct {
  /** The dead-letter queue of each rule, by the alert type that the rule matches. */
  readonly deadLetters: Readonly<Record<string, sqs.Queue>>;

  constructor(scope: Construct, id: string, { bus, busName, sources, alertTypes, queue }: AlertRulesProps) {
    super(scope, id);
    const source = [...sources];
    const rules: AlertRule[] = alertTypes.map((type) => ({
      name: type,
      description: `Alerts of type ${type}`,
      eventPattern: { source, detailType: [type] },
    }));
    rules.push({
      name: UNKNOWN,
      description: "Alerts of an unknown type, to be mapped or parked",
      eventPattern: { source, detailType: events.Match.anythingBut(...alertTypes) },
    });
    if (busName !== DEFAULT_BUS) {
      rules.push({
        name: OTHER_SOURCES,
        description: "Events of other sources, to be mapped or parked",
        eventPattern: { source: events.Match.anythingBut(...sources, INSIGHT_SOURCE) },
      });
    }

    // The rules have fixed names, so the queue's policy can name them before they exist. If a rule existed before the
    // policy, EventBridge would be refused, and would send the alert to the dead-letter queue without a retry.
    allowRulesToSend(
      queue,
      rules.map(({ name }) => ruleArn(this, bus, name)),
    );
    const all: Record<string, sqs.Queue> = {};
    for (const { name, description, eventPattern } of rules) {
      const deadLetters = deadLetterQueue(this, `${name}DeadLetters`);
      allowRulesToSend(deadLetters, [ruleArn(this, bus, name)]);
      const rule = new events.Rule(this, name, {
        ruleName: ruleName(this, name),
        description,
        eventBus: bus,
        eventPattern,
        targets: [toQueue(queue, deadLetters)],
      });
      rule.node.addDependency(queue, deadLetters);
      all[name] = deadLetters;
    }
    this.deadLetters = all;
  }
}

/** Replaces CDK's target for a queue, which adds one policy statement per rule and allows more than sending. */
function toQueue(queue: sqs.Queue, deadLetters: sqs.Queue): events.IRuleTarget {
  return {
    bind: () => ({
      arn: queue.queueArn,
      deadLetterConfig: { arn: deadLetters.queueArn },
      retryPolicy: {
        maximumEventAgeInSeconds: DELIVERY_AGE_MAX.toSeconds(),
        maximumRetryAttempts: DELIVERY_RETRIES_MAX,
      },
      targetResource: queue,
    }),
  };
}

function ruleName(scope: Construct, name: string): string {
  const full = `${Stack.of(scope).stackName}-${name}`;
  if (full.length > RULE_NAME_CHARS_MAX) {
    throw new PropError(
      `alertTypesDir contains ${name}, whose rule name ${full} is longer than ${RULE_NAME_CHARS_MAX} characters; shorten the id`,
    );
  }
  return full;
}

/** The ARN of a rule includes the name of its bus, unless that is the default bus. */
function ruleArn(scope: Construct, bus: events.IEventBus, name: string): string {
  const path = bus.eventBusName === "default" ? "" : `${bus.eventBusName}/`;
  return Stack.of(scope).formatArn({
    service: "events",
    resource: "rule",
    resourceName: `${path}${ruleName(scope, name)}`,
  });
}
