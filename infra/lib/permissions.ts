// The function's role. It allows each action by name, on the resources that need it.
//
// Never: attaches a managed policy, or allows an action that is not needed. A test compares the actions
// with `crates/lambda/needs.json`.

import { Validations } from "aws-cdk-lib";
import * as events from "aws-cdk-lib/aws-events";
import * as iam from "aws-cdk-lib/aws-iam";
import * as logs from "aws-cdk-lib/aws-logs";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { INSIGHT_SOURCE } from "./props";
import { BedrockAccess } from "./bedrock-access";
import { everySourceIs } from "./event-bus";
import { InsightsTable } from "./insights-table";
import { INSIGHT_DETAIL_TYPE } from "./notifications";

export interface RoleProps {
  readonly table: InsightsTable;
  /** The bus that insights are published to; `undefined` if they are not published. */
  readonly bus: events.IEventBus | undefined;
  readonly alerts: sqs.Queue;
  readonly failedInvocations: sqs.Queue;
  readonly logGroup: logs.LogGroup;
  /** The permissions for the Bedrock model; `undefined` if Bedrock is not in the chain. */
  readonly bedrock: BedrockAccess | undefined;
  /** The permission to ask when the Bedrock model ends; `undefined` if it has no known foundation model. */
  readonly lifecycle: iam.PolicyStatement | undefined;
  /** The secret of the OpenAI key; `undefined` if OpenAI is off. */
  readonly openAiSecretArn: string | undefined;
  /** The ARN of the table of the original dashboard's reader; `undefined` if it gets no copies. */
  readonly mirrorTableArn: string | undefined;
  /** The secret with the channels for people, if there is one. */
  readonly channelsSecretArn: string | undefined;
  /** The SNS topics of the channels. */
  readonly channelTopicArns: readonly string[];
  readonly xray: boolean;
}

export function lambdaRole(scope: Construct, props: RoleProps): iam.Role {
  const role = new iam.Role(scope, "Role", {
    description: "The permissions of Portend's function",
    assumedBy: new iam.ServicePrincipal("lambda.amazonaws.com"),
    inlinePolicies: {
      Insights: policy(...insights(props.table)),
      ...(props.bus !== undefined && { InsightEvents: policy(insightEvents(props.bus)) }),
      Alerts: policy(
        // AWS's poller calls these with the function's role.
        allow(["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], [props.alerts.queueArn]),
        allow(["sqs:SendMessage"], [props.failedInvocations.queueArn]),
      ),
      // CloudFormation's ARN of a log group ends in `:*`, because the names of the log streams are not known in advance.
      Logs: policy(allow(["logs:CreateLogStream", "logs:PutLogEvents"], [props.logGroup.logGroupArn])),
      ...(props.bedrock !== undefined && { Bedrock: policy(...props.bedrock.statements) }),
      ...(props.lifecycle !== undefined && { ModelLifecycle: policy(props.lifecycle) }),
      ...(props.openAiSecretArn !== undefined && {
        OpenAiKey: policy(allow(["secretsmanager:GetSecretValue"], [props.openAiSecretArn])),
      }),
      ...(props.mirrorTableArn !== undefined && {
        Mirror: policy(allow(["dynamodb:PutItem"], [props.mirrorTableArn])),
      }),
      ...(props.channelsSecretArn !== undefined && {
        Channels: policy(
          allow(["secretsmanager:GetSecretValue"], [props.channelsSecretArn]),
          ...(props.channelTopicArns.length > 0 ? [allow(["sns:Publish"], [...props.channelTopicArns])] : []),
        ),
      }),
      // X-Ray's actions have no resources, so they can only be allowed on `*`.
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

/** Allows insights only. The function cannot put an alert on the bus. */
function insightEvents(bus: events.IEventBus): iam.PolicyStatement {
  return new iam.PolicyStatement({
    actions: ["events:PutEvents"],
    resources: [bus.eventBusArn],
    conditions: {
      ...everySourceIs(INSIGHT_SOURCE),
      StringEquals: { "events:detail-type": INSIGHT_DETAIL_TYPE },
    },
  });
}

/** Acknowledges each wildcard, with the reason for it. */
function acknowledge(role: iam.Role, { bedrock, xray }: RoleProps): void {
  if (bedrock?.wildcard !== undefined) {
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${bedrock.wildcard}]`,
      reason:
        "Only the account knows the models of an application inference profile. " +
        "The condition of the statement limits them to calls through that profile.",
    });
  }
  if (xray) {
    Validations.of(role).acknowledge({
      id: "AwsSolutions-IAM5[Resource::*]",
      reason: "The two actions of X-Ray have no resources, so no narrower permission exists.",
    });
  }
}

function allow(actions: string[], resources: string[]): iam.PolicyStatement {
  return new iam.PolicyStatement({ actions, resources });
}

function policy(...statements: iam.PolicyStatement[]): iam.PolicyDocument {
  return new iam.PolicyDocument({ statements });
}
