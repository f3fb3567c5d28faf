// The rules that bring alerts to the queue: one per alert type, and one for detail-types that none of them is.
//
//   bus ── source iops-dashboard.processor ─┬─ detail-type = an alert type ──▶ queue ──▶ Lambda
//                                           └─ detail-type = anything else ──▶ queue ──▶ Lambda, which parks it
//          what a rule cannot deliver in 24 hours ──▶ that rule's own dead-letter queue
//
// Takes: the bus, the alert types' ids, the queue.
// Gives: the rules, by the type they match, each with its dead-letter queue.
// Never: matches an insight: those have another source, so nothing that the Lambda says comes back to it.

import { Duration, Stack } from "aws-cdk-lib";
import * as events from "aws-cdk-lib/aws-events";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { PropError } from "./props";
import { allowRules, lastQueue } from "./queues";

/** The source of the producer's alerts. */
export const ALERT_SOURCE = "iops-dashboard.processor";

/** The fourth rule's name stands beside the types' ids; no id begins with a capital letter. */
const UNKNOWN = "Unknown";

const RULE_NAME_CHARS_MAX = 64;

/** How long EventBridge goes on trying to deliver, and how often at most: as long as it can. */
const DELIVERY_AGE_MAX = Duration.hours(24);
const DELIVERY_RETRIES_MAX = 185;

export interface AlertRulesProps {
  readonly bus: events.IEventBus;
  readonly alertTypes: readonly string[];
  readonly queue: sqs.Queue;
}

export class AlertRules extends Construct {
  /** What each rule could not deliver, by the type that it matches. */
  readonly deadLetters: Readonly<Record<string, sqs.Queue>>;

  constructor(scope: Construct, id: string, { bus, alertTypes, queue }: AlertRulesProps) {
    super(scope, id);
    const detailTypes: [string, string[]][] = alertTypes.map((type) => [type, [type]]);
    detailTypes.push([UNKNOWN, events.Match.anythingBut(...alertTypes)]);

    // The queue's policy names the rules by names that are known beforehand, so that it can be made before them: an
    // alert that a rule sends while it may not yet would go to the dead letters at once, without a second try.
    allowRules(
      queue,
      detailTypes.map(([name]) => ruleArn(this, bus, name)),
    );
    const all: Record<string, sqs.Queue> = {};
    for (const [name, detailType] of detailTypes) {
      const deadLetters = lastQueue(this, `${name}DeadLetters`);
      allowRules(deadLetters, [ruleArn(this, bus, name)]);
      const rule = new events.Rule(this, name, {
        ruleName: ruleName(this, name),
        description: name === UNKNOWN ? "Alerts of no known type, to be parked" : `Alerts of type ${name}`,
        eventBus: bus,
        eventPattern: { source: [ALERT_SOURCE], detailType },
        targets: [toQueue(queue, deadLetters)],
      });
      rule.node.addDependency(queue, deadLetters);
      all[name] = deadLetters;
    }
    this.deadLetters = all;
  }
}

/** CDK's own target for a queue would add a statement per rule to the queue's policy, and more actions than sending. */
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
      `alertTypesDir holds ${name}, whose rule's name ${full} is longer than ${RULE_NAME_CHARS_MAX} letters; shorten the type's id`,
    );
  }
  return full;
}

/** On the default bus a rule's ARN does not name the bus; on any other it does. */
function ruleArn(scope: Construct, bus: events.IEventBus, name: string): string {
  const path = bus.eventBusName === "default" ? "" : `${bus.eventBusName}/`;
  return Stack.of(scope).formatArn({
    service: "events",
    resource: "rule",
    resourceName: `${path}${ruleName(scope, name)}`,
  });
}
