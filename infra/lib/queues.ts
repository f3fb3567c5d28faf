// The queues: the alert queue, and the queues for messages that could not be delivered or processed. Each queue is encrypted
// and refuses plain HTTP.
//
// Never: uses a KMS key. EventBridge may not use the AWS managed key for SQS, and its events would be lost.

import { Duration, Validations } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";

/** The longest retention that SQS offers. */
const RETENTION = Duration.days(14);

/** In timeouts of the function, as AWS recommends. With less, SQS could deliver a slow batch again while it is in progress. */
const VISIBILITY_TIMEOUTS = 6;

/** An alert is handed back while another worker has it, or while the table is down. 20 deliveries take two hours. */
const RECEIVE_COUNT_MAX = 20;

/** The queue between the alert rules and the function. An alert that is handed back 20 times moves to `deadLetters`. */
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

/** A queue for undelivered events or failed invocations. Only people read it. */
export function deadLetterQueue(scope: Construct, id: string): sqs.Queue {
  const queue = queueOf(scope, id);
  Validations.of(queue).acknowledge({
    id: "AwsSolutions-SQS3",
    reason:
      "This is a dead-letter queue of a rule or a function. The check recognises only those of other queues.",
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

/** Allows only these rules to send. One statement names them all, because a queue's policy has at most 20 statements. */
export function allowRulesToSend(queue: sqs.Queue, ruleArns: string[]): void {
  queue.addToResourcePolicy(
    new iam.PolicyStatement({
      principals: [new iam.ServicePrincipal("events.amazonaws.com")],
      actions: ["sqs:SendMessage"],
      resources: [queue.queueArn],
      conditions: { ArnEquals: { "aws:SourceArn": ruleArns } },
    }),
  );
}
