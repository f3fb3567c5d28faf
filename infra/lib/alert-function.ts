// The Lambda: its program, its settings, what starts it, and where a failed direct call is kept.
//
//   queue ── batches of 5 ──────────────▶ Lambda ── what it hands back ──▶ queue again
//   every 15 minutes ── the sweep ──────▶ Lambda ── fails three times ──▶ failed invocations
//   `aws lambda invoke` ────────────────▶ Lambda
//
// Takes: the zip that `make lambda` makes, the settings, and what the Lambda works with.
// Gives: the function, its log group, and the queue of failed invocations.
// Never: sets a variable that the Lambda's code does not know; puts a key into the template.

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
import { bedrockAccess } from "./bedrock-access";
import { InsightsTable } from "./insights-table";
import { OpenAiKey } from "./openai-key";
import { lambdaRole } from "./permissions";
import { Architecture, PropError, Settings } from "./props";
import { lastQueue } from "./queues";

/** Long enough for two models of 20 s each, the store, and a reserve. */
export const FUNCTION_TIMEOUT = Duration.seconds(60);

/** Alerts of one batch are worked on side by side, each with its own deadline. */
export const BATCH_ALERTS = 5;

const SWEEP_INTERVAL = Duration.minutes(15);
/** What the Lambda takes as the order to sweep; it is never accepted from a queue. */
const SWEEP_INPUT = { portend: "upgrade" };

/** Lambda tries a direct, asynchronous call three times in all, within this time, before it keeps it as failed. */
const ASYNC_RETRIES_MAX = 2;
const ASYNC_AGE_MAX = Duration.hours(6);

const PROCESSORS: Readonly<Record<Architecture, lambda.Architecture>> = {
  x86_64: lambda.Architecture.X86_64,
  arm64: lambda.Architecture.ARM_64,
};

export interface AlertFunctionProps {
  readonly settings: Settings;
  readonly alertTypes: AlertTypes;
  readonly table: InsightsTable;
  /** Where insights go; `undefined` where they are not told. */
  readonly bus: events.IEventBus | undefined;
  readonly alerts: sqs.Queue;
}

export class AlertFunction extends Construct {
  readonly function: lambda.Function;
  readonly logGroup: logs.LogGroup;
  readonly failedInvocations: sqs.Queue;
  /** The key's secret; `undefined` where OpenAI is switched off. */
  readonly openAiKey: OpenAiKey | undefined;

  constructor(scope: Construct, id: string, props: AlertFunctionProps) {
    super(scope, id);
    const { settings, alertTypes, table, bus, alerts } = props;
    const { partition, account } = Stack.of(this);
    const bedrock = settings.models.includes("bedrock")
      ? bedrockAccess(settings.bedrockModelId, { partition, account, region: settings.region })
      : undefined;
    const layer =
      alertTypes.dir === undefined ? undefined : alertTypesLayer(this, alertTypes.ids, alertTypes.dir);
    this.openAiKey = settings.openAi ? new OpenAiKey(this, "OpenAi", settings.openAiSecretArn) : undefined;
    this.failedInvocations = lastQueue(this, "FailedInvocations");
    this.logGroup = new logs.LogGroup(this, "Log", {
      retention: settings.logRetentionDays,
      // The log holds no insight and no id; what matters is in the table, which stays.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = lambdaRole(this, {
      table,
      bus,
      alerts,
      failedInvocations: this.failedInvocations,
      logGroup: this.logGroup,
      bedrock,
      openAiSecretArn: this.openAiKey?.secretArn,
      xray: settings.xray,
    });
    this.function = new lambda.Function(this, "Function", {
      description: "Portend: an alert in, an explained insight out",
      runtime: lambda.Runtime.PROVIDED_AL2023,
      handler: "bootstrap",
      code: lambda.Code.fromAsset(zip(settings.lambdaZip)),
      architecture: PROCESSORS[settings.architecture],
      memorySize: settings.memoryMib,
      timeout: FUNCTION_TIMEOUT,
      logGroup: this.logGroup,
      tracing: settings.xray ? lambda.Tracing.ACTIVE : lambda.Tracing.DISABLED,
      // All permissions stand in permissions.ts; CDK would add its own, wider ones.
      role: role.withoutPolicyUpdates(),
      layers: layer === undefined ? [] : [layer.layer],
      environment: environment({
        DYNAMODB_TABLE_NAME: table.tableName,
        EVENT_BUS_NAME: bus?.eventBusName,
        // Said even where they are the Lambda's own defaults, so that it asks for exactly what it is allowed.
        MODELS: settings.models.join(),
        BEDROCK_MODEL_ID: bedrock?.modelId,
        OPENAI_API_KEY_SECRET: this.openAiKey?.secretArn,
        OPENAI_MODEL: settings.openAiModel,
        ALERT_TYPES_DIR: layer?.dir,
      }),
    });
    this.readFrom(alerts, settings.maxConcurrency);
    this.sweep();
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

  /** Tells what was not told and upgrades what is degraded, on the default bus, where no alert and no insight passes. */
  private sweep(): void {
    new events.Rule(this, "Sweep", {
      description: "Starts the sweep: what was not told is told, what is degraded is upgraded",
      schedule: events.Schedule.rate(SWEEP_INTERVAL),
      targets: [
        new targets.LambdaFunction(this.function, {
          event: events.RuleTargetInput.fromObject(SWEEP_INPUT),
          // The next sweep does what this one could not; one that is late by a whole interval is of no use.
          maxEventAge: SWEEP_INTERVAL,
        }),
      ],
    });
  }
}

function zip(file: string): string {
  const full = path.resolve(file);
  if (!full.endsWith(".zip") || !fs.existsSync(full)) {
    throw new PropError(
      `lambdaZip ${file} is no zip file that is there; run \`make lambda\` first, or give the path of one`,
    );
  }
  return full;
}

/** Leaves out what is not set: an empty variable is a setting too. */
function environment(variables: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
