// Reads the props from CDK's context: `-c name=value` on the command line, or `cdk.context.json` in this folder.
//
// Takes: every context value that CDK has, its own and ours; what comes by `-c` is text.
// Gives: typed props, still unchecked in their values.
// Never: overlooks a name that is misspelt or written in another style, or guesses at a value of the wrong kind.

import { PortendProps, PropError } from "./props";

type Kind = "text" | "number" | "truth" | "list";

/** The kind of every prop. The type makes sure that none is left out. */
export const KINDS: Readonly<Record<keyof PortendProps, Kind>> = {
  region: "text",
  alertTypesDir: "text",
  eventBusName: "text",
  existingEventBus: "truth",
  notifyInsights: "truth",
  tableName: "text",
  existingTable: "truth",
  lambdaZip: "text",
  architecture: "text",
  memoryMib: "number",
  maxConcurrency: "number",
  logRetentionDays: "number",
  xray: "truth",
  models: "list",
  bedrockModelId: "text",
  openAi: "truth",
  openAiSecretArn: "text",
  openAiModel: "text",
  infoEmails: "list",
  warningEmails: "list",
  criticalEmails: "list",
  opsTopicArn: "text",
  costAlarmUsdPerDay: "number",
  exportNames: "truth",
};

/** CDK's own names hold a colon, a slash or a hyphen; ours, and what is meant to be one of ours, are letters alone. */
const OURS = /^[A-Za-z]+$/;

export function propsOf(context: Readonly<Record<string, unknown>>): PortendProps {
  const props: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(context)) {
    const meant = propMeantBy(name);
    if (meant !== undefined && meant !== name) {
      throw new PropError(`${name} is no prop of this stack; write it ${meant}`);
    }
    if (OURS.test(name)) {
      props[name] = valueOf(name, value);
    }
  }
  return props;
}

/** The prop that a name would be without its hyphens, underscores and case, as `max-concurrency` or `MEMORY_MIB`. */
function propMeantBy(name: string): string | undefined {
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
    case "truth":
      return truth(name, value);
    case "list":
      return list(name, value);
    case undefined:
      throw new PropError(`${name} is no prop of this stack; give one of ${Object.keys(KINDS).join(", ")}`);
  }
}

function number(name: string, value: unknown): number {
  const read = typeof value === "string" && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  return typeof read === "number" ? read : refuse(name, value, "a number");
}

function truth(name: string, value: unknown): boolean {
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
    : refuse(name, value, "a list, as a,b");
}

function refuse(name: string, value: unknown, wanted: string): never {
  throw new PropError(`${name} is ${JSON.stringify(value)}; give ${wanted}`);
}
