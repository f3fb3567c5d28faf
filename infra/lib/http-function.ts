// The second Lambda function: the API, the console and, if it is switched on, the original dashboard's API. It reads the table
// that the first function writes.
//
//   http = iam ──▶ function URL, which AWS allows only to signed requests ──▶ function ──▶ table
//   http = token ▶ HTTP API ──▶ function, which checks the token ───────────▶ table
//                               with httpFeedback, replayed events ─────────▶ alert queue
//
// Never: open to everyone, or permitted to write an insight.

import { CfnResource, Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import * as apigateway from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import * as iam from "aws-cdk-lib/aws-iam";
import * as lambda from "aws-cdk-lib/aws-lambda";
import * as logs from "aws-cdk-lib/aws-logs";
import * as secretsmanager from "aws-cdk-lib/aws-secretsmanager";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { environment, PROCESSORS, zip } from "./alert-function";
import { AlertTypes, alertTypesLayer } from "./alert-types";
import { InsightsTable } from "./insights-table";
import { Settings } from "./props";

/** A page needs a few queries of the table. */
export const HTTP_TIMEOUT = Duration.seconds(15);
const HTTP_MEMORY_MIB = 512;
/** Characters of the generated token. */
const TOKEN_LENGTH = 40;
/** Requests in a second, which bound the cost of a flood. */
const REQUESTS_PER_SECOND_MAX = 50;

export interface HttpFunctionProps {
  readonly settings: Settings;
  readonly alertTypes: AlertTypes;
  readonly table: InsightsTable;
  /** The queue before the first function. A parked event that is replayed goes there. */
  readonly alerts: sqs.Queue;
}

export class HttpFunction extends Construct {
  readonly function: lambda.Function;
  /** The address of the console. */
  readonly url: string;
  /** The secret with the token; `undefined` if AWS checks who sends a request. */
  readonly tokenSecretArn: string | undefined;

  constructor(scope: Construct, id: string, { settings, alertTypes, table, alerts }: HttpFunctionProps) {
    super(scope, id);
    const secret = settings.http === "token" ? this.newToken() : undefined;
    const logGroup = new logs.LogGroup(this, "Log", {
      retention: settings.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const layer =
      alertTypes.dir === undefined ? undefined : alertTypesLayer(this, alertTypes.ids, alertTypes.dir);
    const role = this.role(table, logGroup, secret?.secretArn, settings.httpFeedback ? alerts : undefined);
    this.function = new lambda.Function(this, "Function", {
      description: "Portend: the API and the console",
      runtime: lambda.Runtime.PROVIDED_AL2023,
      handler: "bootstrap",
      code: lambda.Code.fromAsset(zip("httpZip", settings.httpZip)),
      architecture: PROCESSORS[settings.architecture],
      memorySize: HTTP_MEMORY_MIB,
      timeout: HTTP_TIMEOUT,
      logGroup,
      role: role.withoutPolicyUpdates(),
      layers: layer === undefined ? [] : [layer.layer],
      environment: environment({
        DYNAMODB_TABLE_NAME: table.tableName,
        PORTEND_ACCESS: settings.http,
        PORTEND_TOKEN_SECRET: secret?.secretArn,
        PORTEND_FEEDBACK: String(settings.httpFeedback),
        ALERT_QUEUE_URL: settings.httpFeedback ? alerts.queueUrl : undefined,
        PORTEND_OPEN_ORIGINAL_API: String(settings.openOriginalApi),
        ALERT_TYPES_DIR: layer?.dir,
      }),
    });
    this.tokenSecretArn = secret?.secretArn;
    this.url = settings.http === "token" ? this.httpApi() : this.functionUrl();
  }

  private functionUrl(): string {
    return this.function.addFunctionUrl({ authType: lambda.FunctionUrlAuthType.AWS_IAM }).url;
  }

  private httpApi(): string {
    const api = new apigateway.HttpApi(this, "Api", {
      description: "Portend: the API and the console",
      defaultIntegration: new HttpLambdaIntegration("Routes", this.function),
      createDefaultStage: false,
    });
    const stage = api.addStage("Stage", {
      autoDeploy: true,
      throttle: { rateLimit: REQUESTS_PER_SECOND_MAX, burstLimit: 2 * REQUESTS_PER_SECOND_MAX },
    });
    acknowledge(
      stage.node.defaultChild as CfnResource,
      "AwsSolutions-APIG1",
      "An access log would contain the paths of requests, and with them the ids of entities.",
    );
    for (const route of api.node.findAll().filter((each) => each instanceof apigateway.CfnRoute)) {
      acknowledge(
        route as CfnResource,
        "AwsSolutions-APIG4",
        "The function itself checks the token of each request, and does not start without one.",
      );
    }
    return stage.url;
  }

  /** A token that Secrets Manager generates. */
  private newToken(): secretsmanager.Secret {
    const secret = new secretsmanager.Secret(this, "Token", {
      description: "The token that every request of Portend's API and console must carry",
      generateSecretString: { passwordLength: TOKEN_LENGTH, excludePunctuation: true },
    });
    acknowledge(
      secret.node.defaultChild as CfnResource,
      "AwsSolutions-SMG4",
      "People know the token, so a person rotates it, as docs/DEPLOY.md describes.",
    );
    return secret;
  }

  private role(
    table: InsightsTable,
    logGroup: logs.LogGroup,
    tokenSecretArn: string | undefined,
    replays: sqs.Queue | undefined,
  ): iam.Role {
    const ofKeys = (...keys: string[]): Record<string, Record<string, unknown>> => ({
      "ForAllValues:StringLike": { "dynamodb:LeadingKeys": keys },
      Null: { "dynamodb:LeadingKeys": "false" },
    });
    const allow = (
      actions: string[],
      resources: string[],
      conditions?: Record<string, Record<string, unknown>>,
    ): iam.PolicyDocument =>
      new iam.PolicyDocument({ statements: [new iam.PolicyStatement({ actions, resources, conditions })] });
    return new iam.Role(this, "Role", {
      description: "The permissions of Portend's API and console",
      assumedBy: new iam.ServicePrincipal("lambda.amazonaws.com"),
      inlinePolicies: {
        ReadInsights: allow(
          ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"],
          [table.tableArn],
        ),
        QueryIndexes: allow(["dynamodb:Query"], [...table.indexArns]),
        // A person's feedback, what the person did, the state of an entity, and parked events. No insight and no claim has
        // such a key.
        ...(replays !== undefined && {
          WriteFeedback: allow(["dynamodb:PutItem"], [table.tableArn], ofKeys("feedback#*", "entity#*")),
          WriteActs: allow(["dynamodb:UpdateItem"], [table.tableArn], ofKeys("outcome#*", "parked#*")),
          DeleteParked: allow(["dynamodb:DeleteItem"], [table.tableArn], ofKeys("parked#*")),
          Replay: allow(["sqs:SendMessage"], [replays.queueArn]),
        }),
        Logs: allow(["logs:CreateLogStream", "logs:PutLogEvents"], [logGroup.logGroupArn]),
        ...(tokenSecretArn !== undefined && {
          Token: allow(["secretsmanager:GetSecretValue"], [tokenSecretArn]),
        }),
      },
    });
  }
}

function acknowledge(resource: CfnResource, id: string, reason: string): void {
  Validations.of(resource).acknowledge({ id, reason });
}
