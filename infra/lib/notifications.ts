// The notifications: one SNS topic per severity, and the rules that send insights to the topics.
//
//   bus ── source iops-dashboard.ai, detail-type insight ─┬─ severity info ───────────▶ info topic ─────▶ e-mail
//                                                         ├─ severity critical ───────▶ critical topic ─▶ e-mail
//                                                         └─ another one, or none ────▶ warning topic ──▶ e-mail
//          not delivered within 24 hours ──▶ the dead-letter queue of notifications
//
// An e-mail contains the entity id, so each recipient must be allowed to see it.
//
// Never: matches an alert, or starts the function.

import { RemovalPolicy } from "aws-cdk-lib";
import * as events from "aws-cdk-lib/aws-events";
import * as targets from "aws-cdk-lib/aws-events-targets";
import * as kms from "aws-cdk-lib/aws-kms";
import * as sns from "aws-cdk-lib/aws-sns";
import * as subscriptions from "aws-cdk-lib/aws-sns-subscriptions";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { INSIGHT_SOURCE } from "./props";
import { deadLetterQueue } from "./queues";

/** The detail-type of an insight on the bus. */
export const INSIGHT_DETAIL_TYPE = "insight";

export const SEVERITIES = ["info", "warning", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** An unknown or missing severity counts as a warning. */
const SEVERITY_PATTERNS: Readonly<Record<Severity, unknown[]>> = {
  info: ["info"],
  warning: [{ "anything-but": ["info", "critical"] }, { exists: false }],
  critical: ["critical"],
};

const TITLES: Readonly<Record<Severity, string>> = { info: "Info", warning: "Warning", critical: "Critical" };

export interface NotificationsProps {
  readonly bus: events.IEventBus;
  readonly emails: Readonly<Record<Severity, readonly string[]>>;
}

export class Notifications extends Construct {
  readonly topics: Readonly<Record<Severity, sns.Topic>>;
  /** The insights that could not be delivered to a topic. */
  readonly deadLetters: sqs.Queue;

  constructor(scope: Construct, id: string, { bus, emails }: NotificationsProps) {
    super(scope, id);
    // A customer managed key. EventBridge may not use the AWS managed key for SNS, and its events would be lost.
    const key = new kms.Key(this, "Key", {
      description: "Encrypts Portend's notifications",
      enableKeyRotation: true,
      // The key encrypts nothing that is stored, and a key that outlives the stack costs money.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.deadLetters = deadLetterQueue(this, "DeadLetters");
    const topic = (severity: Severity): sns.Topic => {
      const created = new sns.Topic(this, TITLES[severity], {
        displayName: `Portend ${severity}`,
        masterKey: key,
        enforceSSL: true,
      });
      for (const email of emails[severity]) {
        created.addSubscription(new subscriptions.EmailSubscription(email));
      }
      // A topic cannot see which rule publishes to it. So the topic's policy, which CDK writes, has no condition
      // on the rule: a condition would refuse every insight.
      const rule = new events.Rule(this, `${TITLES[severity]}Insights`, {
        description: `Insights for the ${severity} topic`,
        eventBus: bus,
        eventPattern: {
          source: [INSIGHT_SOURCE],
          detailType: [INSIGHT_DETAIL_TYPE],
          detail: { severity: SEVERITY_PATTERNS[severity] },
        },
        targets: [
          new targets.SnsTopic(created, {
            // The unchanged insight. EventBridge does not escape the values of an input template, so a quotation mark in
            // a model's sentence would make the template invalid, and the notification would be lost.
            message: events.RuleTargetInput.fromEventPath("$.detail"),
            deadLetterQueue: this.deadLetters,
          }),
        ],
      });
      rule.node.addDependency(created);
      return created;
    };
    this.topics = { info: topic("info"), warning: topic("warning"), critical: topic("critical") };
  }
}
