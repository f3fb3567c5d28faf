// The queues: that of the alerts, and those that keep what could not be delivered or handled.
//
// Takes: who may send.
// Gives: queues that are encrypted, refuse plain HTTP, and keep a message as long as SQS can.
// Never: uses a KMS key, since EventBridge may not use AWS's own key for SQS and would be refused without a word.

import { Duration, Validations } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";

/** How long SQS keeps a message at most; an outage of ours should be over by then. */
const RETENTION = Duration.days(14);

/** AWS's advice for Lambda, in time-outs of the function: sooner, a slow batch would be delivered while it is in work. */
const VISIBILITY_TIMEOUTS = 6;

/** Handing back is normal while another worker has the alert or the table is down: 20 times is two hours. */
const RECEIVE_COUNT_MAX = 20;

/** What the alert rules send to and the Lambda reads; what it hands back 20 times goes to `deadLetters`. */
export class AlertQueue extends Construct {
  readonly queue: sqs.Queue;
  readonly deadLetters: sqs.Queue;

  constructor(scope: Construct, id: string, { functionTimeout }: { functionTimeout: Duration }) {
    super(scope, id);
    this.deadLetters = queueOf(this, "DeadLetters");
    this.queue = queueOf(this, "Queue", {
      visibilityTimeout: Duration.seconds(VISIBILITY_TIMEOUTS * functionTimeout.toSeconds()),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: RECEIVE_COUNT_MAX },
    });
  }
}

/** A queue where messages end and wait for people: the dead letters of a rule, or failed invocations. */
export function lastQueue(scope: Construct, id: string): sqs.Queue {
  const queue = queueOf(scope, id);
  Validations.of(queue).acknowledge({
    id: "AwsSolutions-SQS3",
    reason:
      "It is itself where undelivered messages end; the check sees only the dead letters of other queues.",
  });
  return queue;
}

function queueOf(scope: Construct, id: string, props: sqs.QueueProps = {}): sqs.Queue {
  return new sqs.Queue(scope, id, {
    encryption: sqs.QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: RETENTION,
    ...props,
  });
}

/** Lets these rules send, and no other. One statement for all, since a queue's policy holds at most 20. */
export function allowRules(queue: sqs.Queue, ruleArns: string[]): void {
  queue.addToResourcePolicy(
    new iam.PolicyStatement({
      principals: [new iam.ServicePrincipal("events.amazonaws.com")],
      actions: ["sqs:SendMessage"],
      resources: [queue.queueArn],
      conditions: { ArnEquals: { "aws:SourceArn": ruleArns } },
    }),
  );
}
