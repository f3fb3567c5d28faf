// What a deployer may set, one sentence each, and the settings that come of it.
//
// Takes: the props as given, typed.
// Gives: `Settings`, with every default filled in; or a `PropError`, one sentence that names the prop and the mend.
// Never: reads a file, the environment or an account.

/** A prop that cannot be right; whoever deploys can mend it. The message is all that is shown. */
export class PropError extends Error {}

/** The models that the Lambda can ask, as they are named in `MODELS`. */
export const MODELS = ["bedrock", "openai", "scorecard"] as const;
export type Model = (typeof MODELS)[number];

export type Architecture = "x86_64" | "arm64";

export interface PortendProps {
  /** The AWS region of the stack; without it, that of the AWS CLI's profile or of `AWS_REGION`. */
  readonly region?: string;

  /** A folder of alert types to use instead of the built-in ones; it is given to the Lambda as a layer. */
  readonly alertTypesDir?: string;

  /** The name of the event bus that alerts arrive on and insights leave by. */
  readonly eventBusName?: string;
  /** Whether that bus is there already, so that the stack adds rules to it instead of making it. */
  readonly existingEventBus?: boolean;

  /** Whether insights are put on the bus; off for a trial beside another program that tells people already. */
  readonly notifyInsights?: boolean;

  /** The name of the DynamoDB table of insights. */
  readonly tableName?: string;
  /** Whether that table is there already, so that the stack only grants it; its indexes are then yours to add. */
  readonly existingTable?: boolean;

  /** The path of the Lambda's zip, from this folder; `make lambda` makes it. */
  readonly lambdaZip?: string;
  /** The processor that the zip was built for: `x86_64` or `arm64`. */
  readonly architecture?: Architecture;
  /** The Lambda's memory in MiB, 128 to 10240; the processor's share grows with it. */
  readonly memoryMib?: number;
  /** How many batches of 5 alerts are in work at once, 2 to 1000; set it from the Bedrock quota (calls per minute). */
  readonly maxConcurrency?: number;
  /** How many days the Lambda's log is kept; one of CloudWatch's steps, as 7, 30, 90 or 365. */
  readonly logRetentionDays?: number;
  /** Whether AWS X-Ray traces the Lambda's invocations. */
  readonly xray?: boolean;

  /** The chain of models, in the order in which they are asked; `scorecard` must stand last. */
  readonly models?: readonly string[];
  /** A Bedrock model id, inference profile id or ARN; without it, the region's profile of Claude Haiku 4.5. */
  readonly bedrockModelId?: string;

  /**
   * Whether OpenAI may be asked: the alert type's field dictionary and the facts of an alert (for the built-in types
   * call counts, session counts, health, demand and supply scores) then leave AWS for OpenAI, without any id or name.
   */
  readonly openAi?: boolean;
  /** The complete ARN of a secret that holds the OpenAI key; without it the stack makes one without a value. */
  readonly openAiSecretArn?: string;
  /** The OpenAI model; without it, the Lambda's own default. */
  readonly openAiModel?: string;

  /** E-mail addresses that get insights of severity `info`; the mail carries entity ids. */
  readonly infoEmails?: readonly string[];
  /** E-mail addresses that get insights of severity `warning` or of an unknown one; the mail carries entity ids. */
  readonly warningEmails?: readonly string[];
  /** E-mail addresses that get insights of severity `critical`; the mail carries entity ids. */
  readonly criticalEmails?: readonly string[];

  /** The ARN of an SNS topic that the alarms publish to; without it they only show in CloudWatch. */
  readonly opsTopicArn?: string;
  /** The model cost in US dollars per day above which the cost alarm goes off. */
  readonly costAlarmUsdPerDay?: number;

  /** Whether two outputs are exported under the original stack's names; off while that stack still holds them. */
  readonly exportNames?: boolean;
}

/** The props with defaults. What is still `undefined` has no default, and its absence means something. */
export type Settings = Readonly<
  Required<Omit<PortendProps, OptionalProps>> &
    Pick<PortendProps, OptionalProps> & { models: readonly Model[] }
>;
type OptionalProps = "alertTypesDir" | "bedrockModelId" | "openAiSecretArn" | "openAiModel" | "opsTopicArn";

export const DEFAULTS = {
  eventBusName: "iops-dashboard-alerts",
  existingEventBus: false,
  notifyInsights: true,
  tableName: "iops-dashboard-insights",
  existingTable: false,
  architecture: "x86_64",
  memoryMib: 256,
  maxConcurrency: 2,
  logRetentionDays: 30,
  xray: false,
  openAi: false,
  infoEmails: [],
  warningEmails: [],
  criticalEmails: [],
  costAlarmUsdPerDay: 10,
  exportNames: false,
} as const satisfies PortendProps;

/** Where `make lambda` puts the zip, by processor, from the folder `infra/`. */
export const LAMBDA_ZIP: Readonly<Record<Architecture, string>> = {
  x86_64: "../target/lambda/portend-lambda/bootstrap.zip",
  arm64: "../target/lambda/portend-lambda-arm64/bootstrap.zip",
};

const MEMORY_MIB = { min: 128, max: 10240 };
/** SQS refuses a smaller maximum than 2 for an event source, and a greater one than 1000. */
const CONCURRENCY = { min: 2, max: 1000 };
/** The retentions that CloudWatch Logs has, in days. */
const LOG_RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

export function settingsOf(props: PortendProps): Settings {
  const set = { ...DEFAULTS, ...given(props) };
  checkOpenAi(set);
  checkBus(set);
  return {
    ...set,
    region: checkedRegion(set.region),
    eventBusName: matching(
      "eventBusName",
      set.eventBusName,
      /^[A-Za-z0-9._-]{1,256}$/,
      "letters, digits, `.`, `-` and `_`",
    ),
    tableName: matching(
      "tableName",
      set.tableName,
      /^[A-Za-z0-9._-]{3,255}$/,
      "3 to 255 letters, digits, `.`, `-` and `_`",
    ),
    architecture: oneOf("architecture", set.architecture, ["x86_64", "arm64"]),
    lambdaZip: set.lambdaZip ?? LAMBDA_ZIP[set.architecture],
    memoryMib: within("memoryMib", set.memoryMib, MEMORY_MIB),
    maxConcurrency: within("maxConcurrency", set.maxConcurrency, CONCURRENCY),
    logRetentionDays: oneOf("logRetentionDays", set.logRetentionDays, LOG_RETENTION_DAYS),
    models: chain(set),
    infoEmails: addresses("infoEmails", set.infoEmails),
    warningEmails: addresses("warningEmails", set.warningEmails),
    criticalEmails: addresses("criticalEmails", set.criticalEmails),
    opsTopicArn: set.opsTopicArn === undefined ? undefined : topicArn(set.opsTopicArn, set.region),
    costAlarmUsdPerDay: positive("costAlarmUsdPerDay", set.costAlarmUsdPerDay),
  };
}

/** What is given as `undefined` is left out, so that it has its default. */
function given(props: PortendProps): PortendProps {
  return Object.fromEntries(Object.entries(props).filter(([, value]) => value !== undefined));
}

function checkedRegion(region: string | undefined): string {
  if (region === undefined || region === "") {
    throw new PropError(
      "region is not known; set AWS_REGION, choose an AWS profile that has one, or give -c region=us-east-1",
    );
  }
  return matching("region", region, /^[a-z]{2,4}(-[a-z]+)+-\d+$/, "a name as us-east-1");
}

/** The chain as given, or Bedrock, OpenAI if it is switched on, and the scorecard. */
function chain({ models, openAi, bedrockModelId }: PortendProps): readonly Model[] {
  if (models === undefined) {
    return openAi ? ["bedrock", "openai", "scorecard"] : ["bedrock", "scorecard"];
  }
  const known = models.map((model) => oneOf("models", model, MODELS));
  if (known.length === 0 || new Set(known).size !== known.length) {
    throw new PropError(
      `models is ${JSON.stringify(models.join())}; name each of ${MODELS.join(", ")} at most once, and at least one`,
    );
  }
  if (known.slice(0, -1).includes("scorecard")) {
    throw new PropError(
      `models is "${known.join()}", but the scorecard always answers, so that no model after it is asked; put scorecard last`,
    );
  }
  if (bedrockModelId !== undefined && !known.includes("bedrock")) {
    throw new PropError(
      "bedrockModelId is set, but models does not name bedrock; add it to models, or leave bedrockModelId out",
    );
  }
  if (known.includes("openai") && !openAi) {
    throw new PropError(
      "models names openai, which is switched off; set openAi to true, or take it out of models",
    );
  }
  return known;
}

function checkOpenAi(set: PortendProps): void {
  if (set.openAi && set.models !== undefined && !set.models.includes("openai")) {
    throw new PropError(
      "openAi is true, but models does not name openai; add it to models, or leave openAi out",
    );
  }
  if (!set.openAi && (set.openAiSecretArn ?? set.openAiModel) !== undefined) {
    const name = set.openAiSecretArn === undefined ? "openAiModel" : "openAiSecretArn";
    throw new PropError(
      `${name} is set, but OpenAI is switched off; set openAi to true, or leave ${name} out`,
    );
  }
  if (set.openAiSecretArn !== undefined) {
    if (!set.openAiSecretArn.startsWith("arn:")) {
      throw new PropError(
        "openAiSecretArn is not shown, since it may be a key; give the complete ARN of the secret that holds the key",
      );
    }
    // A partial ARN, without the six characters that Secrets Manager adds, would need a wildcard in the permission.
    const arn = matching(
      "openAiSecretArn",
      set.openAiSecretArn,
      /^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[^*?]+-[A-Za-z0-9]{6}$/,
      "the complete ARN of a secret, with the six characters at its end",
    );
    inRegion("openAiSecretArn", arn, set.region);
  }
}

function checkBus(set: PortendProps): void {
  if (set.eventBusName === "default" && !set.existingEventBus) {
    throw new PropError(
      "eventBusName is default, a bus that every account has already; set existingEventBus to true, or give another name",
    );
  }
}

function topicArn(arn: string, region: string | undefined): string {
  matching(
    "opsTopicArn",
    arn,
    /^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/,
    "the ARN of an SNS topic",
  );
  return inRegion("opsTopicArn", arn, region);
}

function inRegion(name: string, arn: string, region: string | undefined): string {
  if (arn.split(":")[3] !== region) {
    throw new PropError(
      `${name} is ${arn}, which is not in ${region}, where the stack stands; give one that is`,
    );
  }
  return arn;
}

/** Each address once: a topic can have no second subscription of it. */
function addresses(name: string, listed: readonly string[]): readonly string[] {
  const each = listed.map((address) =>
    matching(name, address, /^[^\s@,]+@[^\s@,]+\.[^\s@,]+$/, "e-mail addresses"),
  );
  return [...new Set(each)];
}

function matching(name: string, value: string, pattern: RegExp, wanted: string): string {
  if (!pattern.test(value)) {
    throw new PropError(`${name} is ${JSON.stringify(value)}; give ${wanted}`);
  }
  return value;
}

function oneOf<Value extends string | number>(
  name: string,
  value: string | number,
  allowed: readonly Value[],
): Value {
  const found = allowed.find((each) => each === value);
  if (found === undefined) {
    throw new PropError(`${name} is ${JSON.stringify(value)}; give one of ${allowed.join(", ")}`);
  }
  return found;
}

function within(name: string, value: number, { min, max }: { min: number; max: number }): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new PropError(`${name} is ${value}; give a whole number from ${min} to ${max}`);
  }
  return value;
}

function positive(name: string, value: number): number {
  if (!Number.isFinite(value) || value <= 0) {
    throw new PropError(`${name} is ${value}; give a number above 0`);
  }
  return value;
}
