// The Lambda function: its program, its environment, its triggers, its log, and the queue of failed invocations.
//
//   queue ── batches of 5 ──────────────────▶ function ── alerts handed back ──▶ queue
//   every 15 minutes ── the sweep ──────────▶ function ── failed three times ──▶ failed invocations
//   `aws lambda invoke`, asynchronously ────▶ function ── failed three times ──▶ failed invocations
//
// Never: sets a variable that the function does not read, or writes a key to the template.

import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import * as events from "aws-cdk-lib/aws-events";
import * as targets from "aws-cdk-lib/aws-events-targets";
import * as lambda from "aws-cdk-lib/aws-lambda";
import * as destinations from "aws-cdk-lib/aws-lambda-destinations";
import * as logs from "aws-cdk-lib/aws-logs";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import * as fs from "node:fs";
import * as path from "node:path";
import { alertTypesLayer, AlertTypes } from "./alert-types";
import { bedrockAccess, lifecycleStatement } from "./bedrock-access";
import { InsightsTable } from "./insights-table";
import { OpenAiKey } from "./openai-key";
import { lambdaRole } from "./permissions";
import { Architecture, PropError, Settings } from "./props";
import { deadLetterQueue } from "./queues";

/** Enough for two model calls of 20 s each, the table, and a reserve. */
export const FUNCTION_TIMEOUT = Duration.seconds(60);

/** The alerts of a batch are processed concurrently, each with its own deadline. */
export const BATCH_ALERTS = 5;

const SWEEP_INTERVAL = Duration.minutes(15);
/** The event that starts a sweep. The function does not accept it from a queue. */
const SWEEP_INPUT = { portend: "upgrade" };
/** The event that sends the digest. */
const DIGEST_INPUT = { portend: "digest" };
/** A digest that is later than this is not worth sending; the next one says what it would have said. */
const DIGEST_AGE_MAX = Duration.hours(1);

/** AWS retries an asynchronous call twice, within this time. Then it sends the event to the queue of failed invocations. */
const ASYNC_RETRIES_MAX = 2;
const ASYNC_AGE_MAX = Duration.hours(6);

export const PROCESSORS: Readonly<Record<Architecture, lambda.Architecture>> = {
  x86_64: lambda.Architecture.X86_64,
  arm64: lambda.Architecture.ARM_64,
};

export interface AlertFunctionProps {
  readonly settings: Settings;
  readonly alertTypes: AlertTypes;
  readonly table: InsightsTable;
  /** The bus that insights are published to; `undefined` if they are not published. */
  readonly bus: events.IEventBus | undefined;
  readonly alerts: sqs.Queue;
}

export class AlertFunction extends Construct {
  readonly function: lambda.Function;
  readonly logGroup: logs.LogGroup;
  readonly failedInvocations: sqs.Queue;
  /** The secret of the OpenAI key; `undefined` if OpenAI is off. */
  readonly openAiKey: OpenAiKey | undefined;

  constructor(scope: Construct, id: string, props: AlertFunctionProps) {
    super(scope, id);
    const { settings, alertTypes, table, bus, alerts } = props;
    const { partition, account } = Stack.of(this);
    const { mirrorTableName, channelsSecretArn, channelTopicArns } = settings;
    const location = { partition, account, region: settings.region };
    const bedrock = settings.models.includes("bedrock")
      ? bedrockAccess(settings.bedrockModelId, location)
      : undefined;
    const layer =
      alertTypes.dir === undefined ? undefined : alertTypesLayer(this, alertTypes.ids, alertTypes.dir);
    this.openAiKey = settings.openAi ? new OpenAiKey(this, "OpenAi", settings.openAiSecretArn) : undefined;
    this.failedInvocations = deadLetterQueue(this, "FailedInvocations");
    this.logGroup = new logs.LogGroup(this, "Log", {
      retention: settings.logRetentionDays,
      // The log contains no insight and no id. The insights are in the table, which outlives the stack.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = lambdaRole(this, {
      table,
      bus,
      alerts,
      failedInvocations: this.failedInvocations,
      logGroup: this.logGroup,
      bedrock,
      lifecycle: bedrock && lifecycleStatement(bedrock.modelId, location),
      openAiSecretArn: this.openAiKey?.secretArn,
      mirrorTableArn:
        mirrorTableName === undefined
          ? undefined
          : Stack.of(this).formatArn({
              service: "dynamodb",
              resource: "table",
              resourceName: mirrorTableName,
            }),
      channelsSecretArn,
      channelTopicArns,
      xray: settings.xray,
    });
    this.function = new lambda.Function(this, "Function", {
      description: "Portend: reads an alert and stores an explained insight",
      runtime: lambda.Runtime.PROVIDED_AL2023,
      handler: "bootstrap",
      code: lambda.Code.fromAsset(zip("lambdaZip", settings.lambdaZip)),
      architecture: PROCESSORS[settings.architecture],
      memorySize: settings.memoryMib,
      timeout: FUNCTION_TIMEOUT,
      reservedConcurrentExecutions: settings.reservedConcurrency,
      logGroup: this.logGroup,
      tracing: settings.xray ? lambda.Tracing.ACTIVE : lambda.Tracing.DISABLED,
      // All permissions are in permissions.ts. CDK would add wider ones.
      role: role.withoutPolicyUpdates(),
      layers: layer === undefined ? [] : [layer.layer],
      environment: environment({
        DYNAMODB_TABLE_NAME: table.tableName,
        EVENT_BUS_NAME: bus?.eventBusName,
        MIRROR_TABLE_NAME: mirrorTableName,
        CHANNELS_SECRET: channelsSecretArn,
        HOLDOUT: settings.holdout === 0 ? undefined : String(settings.holdout),
        // Set even if they are the function's defaults, so that the function calls exactly the models it may call.
        MODELS: settings.models.join(),
        BEDROCK_MODEL_ID: bedrock?.modelId,
        OPENAI_API_KEY_SECRET: this.openAiKey?.secretArn,
        OPENAI_MODEL: settings.openAiModel,
        ALERT_TYPES_DIR: layer?.dir,
      }),
    });
    this.readFrom(alerts, settings.maxConcurrency);
    this.sweep();
    if (settings.digestSchedule !== undefined) {
      this.digest(settings.digestSchedule);
    }
    new lambda.EventInvokeConfig(this, "AsynchronousCalls", {
      function: this.function,
      retryAttempts: ASYNC_RETRIES_MAX,
      maxEventAge: ASYNC_AGE_MAX,
      onFailure: new destinations.SqsDestination(this.failedInvocations),
    });
  }

  private readFrom(alerts: sqs.Queue, maxConcurrency: number): void {
    new lambda.EventSourceMapping(this, "FromQueue", {
      target: this.function,
      eventSourceArn: alerts.queueArn,
      batchSize: BATCH_ALERTS,
      maxConcurrency,
      reportBatchItemFailures: true,
    });
  }

  /** Publishes unpublished insights and upgrades degraded ones. The rule is on the default bus, which carries no alerts. */
  private sweep(): void {
    new events.Rule(this, "Sweep", {
      description: "Starts the sweep, which publishes unpublished insights and upgrades degraded ones",
      schedule: events.Schedule.rate(SWEEP_INTERVAL),
      targets: [
        new targets.LambdaFunction(this.function, {
          event: events.RuleTargetInput.fromObject(SWEEP_INPUT),
          // The next sweep does the work of a failed one. A sweep that is a whole interval late is useless.
          maxEventAge: SWEEP_INTERVAL,
        }),
      ],
    });
  }

  /** Sends the digest to the channels that get it. */
  private digest(schedule: string): void {
    new events.Rule(this, "Digest", {
      description: "Sends the channels what changed since the last digest",
      schedule: events.Schedule.expression(schedule),
      targets: [
        new targets.LambdaFunction(this.function, {
          event: events.RuleTargetInput.fromObject(DIGEST_INPUT),
          maxEventAge: DIGEST_AGE_MAX,
        }),
      ],
    });
  }
}

export function zip(prop: string, file: string): string {
  const full = path.resolve(file);
  if (!full.endsWith(".zip") || !fs.existsSync(full)) {
    throw new PropError(
      `${prop} ${file} is not an existing zip file; run \`make lambda\` first, or give the path of a zip file`,
    );
  }
  return full;
}

/** Removes the variables that are `undefined`. An empty variable would be a setting. */
export function environment(variables: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
