// What the tests share: a stack made of given props, and ways to read its template.
//
// Takes: props; a placeholder for the Lambda's zip is made here, so that no test needs Rust.
// Gives: the synthesized template, checked by cdk-nag as it is made, and the events that travel on the bus.
// Never: reaches a network or an account.

import { Template } from "aws-cdk-lib/assertions";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { checkedApp } from "../lib/app";
import { PortendStack } from "../lib/portend-stack";
import { PortendProps } from "../lib/props";

/** The repository, from the folder of the compiled tests. */
export const REPOSITORY = path.resolve(__dirname, "../../..");

const FOLDERS: string[] = [];
process.on("exit", () => FOLDERS.forEach((folder) => fs.rmSync(folder, { recursive: true, force: true })));

/** A new folder that goes when the tests end. */
export function temporaryFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "portend-infra-"));
  FOLDERS.push(folder);
  return folder;
}

export const ZIP = path.join(temporaryFolder(), "bootstrap.zip");
fs.writeFileSync(ZIP, "a placeholder, since nothing looks into it before it is deployed\n");

export const SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:openai-a1B2c3";

/** Everything switched on, and everything that can be there already is. */
export const EVERYTHING: PortendProps = {
  region: "eu-west-1",
  existingEventBus: true,
  existingTable: true,
  architecture: "arm64",
  memoryMib: 512,
  maxConcurrency: 10,
  logRetentionDays: 365,
  xray: true,
  alertTypesDir: path.join(REPOSITORY, "alert-types"),
  models: ["openai", "bedrock", "scorecard"],
  bedrockModelId: "global.anthropic.claude-haiku-4-5-20251001-v1:0",
  openAi: true,
  openAiSecretArn: SECRET_ARN,
  openAiModel: "gpt-6-luna",
  infoEmails: ["info@example.com"],
  warningEmails: ["warning@example.com", "second@example.com"],
  criticalEmails: ["critical@example.com"],
  opsTopicArn: "arn:aws:sns:eu-west-1:123456789012:ops",
  costAlarmUsdPerDay: 2.5,
  exportNames: true,
};

/** A template's JSON; the tests say of what shape they expect it to be. */
export type Json = any;

export class Synthesized {
  readonly template: Template;
  readonly stack: PortendStack;

  constructor(props: PortendProps = {}) {
    const app = checkedApp(temporaryFolder());
    this.stack = new PortendStack(app, "PortendStack", { region: "us-east-1", lambdaZip: ZIP, ...props });
    // Runs cdk-nag; a finding without a reason throws.
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
      throw new Error(`${found.length} resources are ${type}`);
    }
    return found[0];
  }

  text(): string {
    return JSON.stringify(this.template.toJSON());
  }
}

/** Stacks are slow to synthesize; these two are made once for all tests of a file. */
let defaults: Synthesized | undefined;
export function byDefault(): Synthesized {
  return (defaults ??= new Synthesized());
}
let everything: Synthesized | undefined;
export function withEverything(): Synthesized {
  return (everything ??= new Synthesized(EVERYTHING));
}

/** What a value that CloudFormation fills in refers to: `Ref`, `Fn::GetAtt`, or the literal itself. */
export function refers(value: Json): string {
  return value?.Ref ?? value?.["Fn::GetAtt"]?.[0] ?? value;
}

/** A list, where CloudFormation also takes a single value. */
export function list<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}

/** The statements of the Lambda's role. */
export function roleStatements(synthesized: Synthesized): Json[] {
  const role = synthesized.only("AWS::IAM::Role");
  return role.Policies.flatMap((policy: Json) => policy.PolicyDocument.Statement);
}
