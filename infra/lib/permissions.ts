// What the Lambda may do: every action by name, on exactly the resources that it is done to.
//
// Takes: what the stack made or was given.
// Gives: the Lambda's role.
// Never: attaches a managed policy, or grants an action that the Lambda or its runtime does not call. A test holds the
// list of actions equal to the one that the Lambda's code declares.

import { Validations } from "aws-cdk-lib";
import * as events from "aws-cdk-lib/aws-events";
import * as iam from "aws-cdk-lib/aws-iam";
import * as logs from "aws-cdk-lib/aws-logs";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { BedrockAccess } from "./bedrock-access";
import { InsightsTable } from "./insights-table";
import { INSIGHT_DETAIL_TYPE, INSIGHT_SOURCE } from "./notifications";

export interface RoleProps {
  readonly table: InsightsTable;
  /** Where insights go; `undefined` where they are not told. */
  readonly bus: events.IEventBus | undefined;
  readonly alerts: sqs.Queue;
  readonly failedInvocations: sqs.Queue;
  readonly logGroup: logs.LogGroup;
  /** What the Bedrock model needs; `undefined` where Bedrock is not in the chain. */
  readonly bedrock: BedrockAccess | undefined;
  /** The secret of the OpenAI key; `undefined` where OpenAI is switched off. */
  readonly openAiSecretArn: string | undefined;
  readonly xray: boolean;
}

export function lambdaRole(scope: Construct, props: RoleProps): iam.Role {
  const role = new iam.Role(scope, "Role", {
    description: "What Portend's Lambda may do",
    assumedBy: new iam.ServicePrincipal("lambda.amazonaws.com"),
    inlinePolicies: {
      Insights: policy(...insights(props.table)),
      ...(props.bus !== undefined && { InsightEvents: policy(insightEvents(props.bus)) }),
      Alerts: policy(
        // What Lambda's poller calls in the function's name.
        allow(["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], [props.alerts.queueArn]),
        allow(["sqs:SendMessage"], [props.failedInvocations.queueArn]),
      ),
      // The ARN ends in `:*`, which CloudFormation writes: Lambda names the log streams as it goes.
      Logs: policy(allow(["logs:CreateLogStream", "logs:PutLogEvents"], [props.logGroup.logGroupArn])),
      ...(props.bedrock !== undefined && { Bedrock: policy(...props.bedrock.statements) }),
      ...(props.openAiSecretArn !== undefined && {
        OpenAiKey: policy(allow(["secretsmanager:GetSecretValue"], [props.openAiSecretArn])),
      }),
      // X-Ray has no resources that a permission could name, so it can only be granted on `*`.
      ...(props.xray && {
        Tracing: policy(allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], ["*"])),
      }),
    },
  });
  acknowledge(role, props);
  return role;
}

function insights(table: InsightsTable): iam.PolicyStatement[] {
  return [
    allow(
      [
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
      ],
      [table.tableArn],
    ),
    allow(["dynamodb:Query"], [...table.indexArns]),
  ];
}

/** Insights and nothing else: the Lambda could not put an alert on the bus if it tried. */
function insightEvents(bus: events.IEventBus): iam.PolicyStatement {
  return new iam.PolicyStatement({
    actions: ["events:PutEvents"],
    resources: [bus.eventBusArn],
    conditions: {
      "ForAllValues:StringEquals": { "events:source": INSIGHT_SOURCE },
      StringEquals: { "events:detail-type": INSIGHT_DETAIL_TYPE },
    },
  });
}

/** Each wildcard that is left, with the reason why there is no narrower one. */
function acknowledge(role: iam.Role, { bedrock, xray }: RoleProps): void {
  if (bedrock?.wildcard !== undefined) {
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${bedrock.wildcard}]`,
      reason:
        "The models behind an application inference profile can be told only by asking the account. " +
        "The statement's condition confines them to what that one profile sends to.",
    });
  }
  if (xray) {
    Validations.of(role).acknowledge({
      id: "AwsSolutions-IAM5[Resource::*]",
      reason: "X-Ray's two actions have no resource that a permission could name.",
    });
  }
}

function allow(actions: string[], resources: string[]): iam.PolicyStatement {
  return new iam.PolicyStatement({ actions, resources });
}

function policy(...statements: iam.PolicyStatement[]): iam.PolicyDocument {
  return new iam.PolicyDocument({ statements });
}
