// What the tests share: the synthesized stack, and functions that read its template. The function's zip is a placeholder, so
// no test needs Rust.
//
// Never: uses a network or an AWS account.

import { Template } from "aws-cdk-lib/assertions";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { checkedApp } from "../lib/app";
import { PortendStack } from "../lib/portend-stack";
import { PortendProps } from "../lib/props";

/** The root of the repository, relative to the compiled tests. */
export const REPOSITORY = path.resolve(__dirname, "../../..");

const FOLDERS: string[] = [];
process.on("exit", () => FOLDERS.forEach((folder) => fs.rmSync(folder, { recursive: true, force: true })));

/** Creates a folder that is deleted when the tests end. */
export function temporaryFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "portend-infra-"));
  FOLDERS.push(folder);
  return folder;
}

export const ZIP = path.join(temporaryFolder(), "bootstrap.zip");
fs.writeFileSync(ZIP, "a placeholder; synthesis does not open the zip\n");

export const CHANNELS_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:portend/channels-AbCdEf";
export const CHANNEL_TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:on-call";
export const SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:openai-a1B2c3";

/** Props that switch everything on, and use existing resources where possible. */
export const EVERYTHING: PortendProps = {
  region: "eu-west-1",
  existingEventBus: true,
  alertSources: ["portend.alerts", "iops-dashboard.processor"],
  existingTable: true,
  architecture: "arm64",
  memoryMib: 512,
  maxConcurrency: 10,
  reservedConcurrency: 11,
  logRetentionDays: 365,
  xray: true,
  alertTypesDir: path.join(REPOSITORY, "alert-types"),
  models: ["openai", "bedrock", "scorecard"],
  bedrockModelId: "global.anthropic.claude-haiku-4-5-20251001-v1:0",
  openAi: true,
  openAiSecretArn: SECRET_ARN,
  mirrorTableName: "iops-dashboard-metrics",
  channelsSecretArn: CHANNELS_ARN,
  channelTopicArns: [CHANNEL_TOPIC_ARN],
  digestSchedule: "cron(0 7 * * ? *)",
  holdout: 0.05,
  openAiModel: "gpt-6-luna",
  infoEmails: ["info@example.com"],
  warningEmails: ["warning@example.com", "second@example.com"],
  criticalEmails: ["critical@example.com"],
  opsTopicArn: "arn:aws:sns:eu-west-1:123456789012:ops",
  costAlarmUsdPerDay: 2.5,
  exportNames: true,
};

/** JSON of any shape. */
export type Json = any;

export class Synthesized {
  readonly template: Template;
  readonly stack: PortendStack;

  constructor(props: PortendProps = {}) {
    const app = checkedApp(temporaryFolder());
    this.stack = new PortendStack(app, "PortendStack", { region: "us-east-1", lambdaZip: ZIP, ...props });
    // Runs cdk-nag. A finding that is not acknowledged throws.
    app.synth();
    this.template = Template.fromStack(this.stack);
  }

  /** The properties of all resources of a type, by logical id. */
  all(type: string): Record<string, Json> {
    const found = this.template.findResources(type);
    return Object.fromEntries(
      Object.entries(found).map(([id, resource]) => [id, resource["Properties"] ?? {}]),
    );
  }

  /** The properties of the one resource of a type. */
  only(type: string): Json {
    const found = Object.values(this.all(type));
    if (found.length !== 1) {
      throw new Error(`expected one ${type}, got ${found.length}`);
    }
    return found[0];
  }

  text(): string {
    return JSON.stringify(this.template.toJSON());
  }
}

/** These two stacks are synthesized once per test file, because synthesis is slow. */
let defaults: Synthesized | undefined;
export function byDefault(): Synthesized {
  return (defaults ??= new Synthesized());
}
let everything: Synthesized | undefined;
export function withEverything(): Synthesized {
  return (everything ??= new Synthesized(EVERYTHING));
}

/** The logical id that a `Ref` or `Fn::GetAtt` refers to, or the value itself. */
export function refers(value: Json): string {
  return value?.Ref ?? value?.["Fn::GetAtt"]?.[0] ?? value;
}

/** The value as a list. CloudFormation also accepts a single value instead of a list. */
export function list<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}

/** The statements of the function's role. */
export function roleStatements(synthesized: Synthesized): Json[] {
  const role = synthesized.only("AWS::IAM::Role");
  return role.Policies.flatMap((policy: Json) => policy.PolicyDocument.Statement);
}
