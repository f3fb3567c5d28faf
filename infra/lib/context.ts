// Reads the props from CDK's context: `-c name=value` on the command line, or `cdk.context.json` in the folder `infra/`.
//
// Takes: all context values, CDK's own and ours. Values of `-c` are strings.
// Returns: props of the right types. `settingsOf` checks their values.
// Never: ignores a misspelt name, or converts a value of the wrong type.

import { PortendProps, PropError } from "./props";

type Kind = "text" | "number" | "boolean" | "list";

/** The kind of each prop. The compiler reports a missing prop. */
export const KINDS: Readonly<Record<keyof PortendProps, Kind>> = {
  region: "text",
  alertTypesDir: "text",
  alertSources: "list",
  eventBusName: "text",
  existingEventBus: "boolean",
  producerAccountIds: "list",
  notifyInsights: "boolean",
  tableName: "text",
  existingTable: "boolean",
  mirrorTableName: "text",
  channelsSecretArn: "text",
  channelTopicArns: "list",
  digestSchedule: "text",
  holdout: "number",
  lambdaZip: "text",
  architecture: "text",
  memoryMib: "number",
  maxConcurrency: "number",
  reservedConcurrency: "number",
  logRetentionDays: "number",
  xray: "boolean",
  models: "list",
  bedrockModelId: "text",
  openAi: "boolean",
  openAiSecretArn: "text",
  openAiModel: "text",
  infoEmails: "list",
  warningEmails: "list",
  criticalEmails: "list",
  opsTopicArn: "text",
  costAlarmUsdPerDay: "number",
  exportNames: "boolean",
  http: "text",
  httpFeedback: "boolean",
  openOriginalApi: "boolean",
  httpZip: "text",
};

/** Our names consist of letters only. CDK's own names contain a colon, a slash or a hyphen. */
const OURS = /^[A-Za-z]+$/;

export function propsOf(context: Readonly<Record<string, unknown>>): PortendProps {
  const props: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(context)) {
    const intended = intendedProp(name);
    if (intended !== undefined && intended !== name) {
      throw new PropError(`${name} is not a prop of this stack; write ${intended}`);
    }
    if (OURS.test(name)) {
      props[name] = valueOf(name, value);
    }
  }
  return props;
}

/** The prop that a name such as `max-concurrency` or `MEMORY_MIB` stands for; ignores case, hyphens and underscores. */
function intendedProp(name: string): string | undefined {
  const plain = (text: string): string => text.replace(/[-_]/g, "").toLowerCase();
  return Object.keys(KINDS).find((prop) => plain(prop) === plain(name));
}

function valueOf(name: string, value: unknown): unknown {
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name as keyof PortendProps] : undefined;
  switch (kind) {
    case "text":
      return typeof value === "string" && value !== "" ? value : refuse(name, value, "text");
    case "number":
      return number(name, value);
    case "boolean":
      return boolean(name, value);
    case "list":
      return list(name, value);
    case undefined:
      throw new PropError(
        `${name} is not a prop of this stack; the props are ${Object.keys(KINDS).join(", ")}`,
      );
  }
}

function number(name: string, value: unknown): number {
  const read = typeof value === "string" && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  return typeof read === "number" ? read : refuse(name, value, "a number");
}

function boolean(name: string, value: unknown): boolean {
  const read = value === "true" ? true : value === "false" ? false : value;
  return typeof read === "boolean" ? read : refuse(name, value, "true or false");
}

function list(name: string, value: unknown): string[] {
  const read =
    typeof value === "string"
      ? value
          .split(",")
          .map((each) => each.trim())
          .filter((each) => each !== "")
      : value;
  return Array.isArray(read) && read.every((each) => typeof each === "string")
    ? read
    : refuse(name, value, "a list, such as a,b");
}

function refuse(name: string, value: unknown, expected: string): never {
  throw new PropError(`${name} is ${JSON.stringify(value)}; give ${expected}`);
}
