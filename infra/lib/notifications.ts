// Who is told of insights: three topics by severity, and the rules that bring insights to them.
//
//   bus ── source iops-dashboard.ai, detail-type insight ─┬─ severity info ───────────▶ info topic ─────▶ mail
//                                                         ├─ severity critical ───────▶ critical topic ─▶ mail
//                                                         └─ any other, or none ──────▶ warning topic ──▶ mail
//          what a rule cannot deliver in 24 hours ──▶ the dead-letter queue of notifications
//
// Takes: the bus and the e-mail addresses by severity.
// Gives: the topics, by severity, and the dead-letter queue.
// Never: matches an alert, or starts the Lambda. The mail carries the entity's id: whoever gets it must be allowed to.

import { RemovalPolicy } from "aws-cdk-lib";
import * as events from "aws-cdk-lib/aws-events";
import * as targets from "aws-cdk-lib/aws-events-targets";
import * as kms from "aws-cdk-lib/aws-kms";
import * as sns from "aws-cdk-lib/aws-sns";
import * as subscriptions from "aws-cdk-lib/aws-sns-subscriptions";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { lastQueue } from "./queues";

/** What the Lambda's insights carry on the bus. */
export const INSIGHT_SOURCE = "iops-dashboard.ai";
export const INSIGHT_DETAIL_TYPE = "insight";

export const SEVERITIES = ["info", "warning", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** A severity that none of us knows is worth a look, and no alarm in the night. */
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
  /** What the rules could not deliver to a topic. */
  readonly deadLetters: sqs.Queue;

  constructor(scope: Construct, id: string, { bus, emails }: NotificationsProps) {
    super(scope, id);
    // A key of our own: EventBridge may not use AWS's own key for SNS, and would be refused without a word.
    const key = new kms.Key(this, "Key", {
      description: "Encrypts Portend's notifications",
      enableKeyRotation: true,
      // Nothing lasting is encrypted with it, and a key that stays goes on costing.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.deadLetters = lastQueue(this, "DeadLetters");
    const topic = (severity: Severity): sns.Topic => {
      const made = new sns.Topic(this, TITLES[severity], {
        displayName: `Portend ${severity}`,
        masterKey: key,
        enforceSSL: true,
      });
      for (const email of emails[severity]) {
        made.addSubscription(new subscriptions.EmailSubscription(email));
      }
      // EventBridge publishes to a topic without saying for which rule, so that the topic's policy, which CDK writes,
      // cannot name one: a condition there would refuse every insight without a word.
      const rule = new events.Rule(this, `${TITLES[severity]}Insights`, {
        description: `Insights for the ${severity} topic`,
        eventBus: bus,
        eventPattern: {
          source: [INSIGHT_SOURCE],
          detailType: [INSIGHT_DETAIL_TYPE],
          detail: { severity: SEVERITY_PATTERNS[severity] },
        },
        targets: [
          new targets.SnsTopic(made, {
            // The insight as it is. EventBridge does not escape what it puts into a template, so that a quotation mark
            // in a model's sentence could break one, and the notification would be lost.
            message: events.RuleTargetInput.fromEventPath("$.detail"),
            deadLetterQueue: this.deadLetters,
          }),
        ],
      });
      rule.node.addDependency(made);
      return made;
    };
    this.topics = { info: topic("info"), warning: topic("warning"), critical: topic("critical") };
  }
}
