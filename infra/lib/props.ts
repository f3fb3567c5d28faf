// The props that a deployer can set, and the checked settings with all defaults.
//
// Never: reads a file, the environment or an AWS account.

/** The source of insights on the event bus. */
export const INSIGHT_SOURCE = "iops-dashboard.ai";

/** A wrong prop. The message is one sentence that names the prop and says how to fix it. Nothing else is shown. */
export class PropError extends Error {}

/** The models that the function can call, with their names in `MODELS`. */
export const MODELS = ["bedrock", "openai", "scorecard"] as const;
export type Model = (typeof MODELS)[number];

export type Architecture = "x86_64" | "arm64";

/** Who may use the API and the console on AWS. */
export const HTTP = ["none", "iam", "token"] as const;
export type Http = (typeof HTTP)[number];

export interface PortendProps {
  /** The AWS region of the stack. Default: `AWS_REGION`, or the region of the AWS profile. */
  readonly region?: string;

  /** A folder of alert types that replaces the built-in ones. The function gets it as a layer. */
  readonly alertTypesDir?: string;

  /**
   * The sources of alerts on the event bus, such as `my-app.alerts` or `aws.cloudwatch`. Their events get a rule per alert
   * type. Events of other sources are mapped or parked too, except on the bus `default`.
   */
  readonly alertSources?: readonly string[];

  /** The name of the event bus that carries alerts and insights. */
  readonly eventBusName?: string;
  /** Whether the bus exists. The stack then adds only rules to it. */
  readonly existingEventBus?: boolean;
  /** The ids of other AWS accounts that may put alerts on the bus that the stack creates. */
  readonly producerAccountIds?: readonly string[];

  /** Whether insights are published on the bus. Switch it off for a trial next to another handler. */
  readonly notifyInsights?: boolean;

  /** The name of the DynamoDB table of insights. */
  readonly tableName?: string;
  /** Whether the table exists. The stack then only uses it, and the deployer adds its indexes. */
  readonly existingTable?: boolean;

  /**
   * The table of the original dashboard's reader, in this account and region. It gets a copy of each insight. It must exist,
   * and be encrypted with a key of AWS.
   */
  readonly mirrorTableName?: string;

  /**
   * The complete ARN of a secret with the channels for people: tables `[notify.NAME]` as in `portend.toml`. Channels get
   * insights also if `notifyInsights` is false.
   */
  readonly channelsSecretArn?: string;
  /** The ARNs of the SNS topics that channels of kind `sns` publish to. */
  readonly channelTopicArns?: readonly string[];

  /**
   * When the channels with `digest = true` get a digest of what changed, in UTC: an expression of EventBridge, such as
   * `cron(0 7 * * ? *)`. Default: never.
   */
  readonly digestSchedule?: string;

  /**
   * The share of entities, 0 to 1, whose insights are stored and published nowhere, so that `portend eval` can show what
   * notifying people changes. They are chosen by chance. Default: 0.
   */
  readonly holdout?: number;

  /** The path of the function's zip, relative to `infra/`. `make lambda` builds it. */
  readonly lambdaZip?: string;
  /** The processor architecture of the zip: `x86_64` or `arm64`. */
  readonly architecture?: Architecture;
  /** The function's memory in MiB, 128 to 10240. The CPU share grows with it. */
  readonly memoryMib?: number;
  /** How many batches of 5 alerts are processed at the same time, 2 to 1000. The Bedrock quota limits it. */
  readonly maxConcurrency?: number;
  /**
   * How many concurrent invocations AWS reserves for the function, which is also their limit. At least `maxConcurrency` + 1,
   * because the sweep needs one too. Default: the function shares the account's concurrency.
   */
  readonly reservedConcurrency?: number;
  /** The retention of the function's log in days; a value that CloudWatch Logs offers, such as 7, 30, 90 or 365. */
  readonly logRetentionDays?: number;
  /** Whether AWS X-Ray traces the function's invocations. */
  readonly xray?: boolean;

  /** The chain of models, in the order of the calls. `scorecard` must be last. */
  readonly models?: readonly string[];
  /** A Bedrock model id, inference profile id or ARN. Default: the region's profile of Claude Haiku 4.5. */
  readonly bedrockModelId?: string;

  /**
   * Whether OpenAI may be called. OpenAI then receives the field dictionary of the alert type and the facts of the alert,
   * without any id or name. The facts of the built-in types are call counts, session counts, and health, demand and supply
   * scores.
   */
  readonly openAi?: boolean;
  /** The complete ARN of the secret with the OpenAI key. Default: the stack creates a secret without a value. */
  readonly openAiSecretArn?: string;
  /** The OpenAI model. Default: the function's own default. */
  readonly openAiModel?: string;

  /** E-mail addresses that receive insights of severity `info`. The e-mails contain entity ids. */
  readonly infoEmails?: readonly string[];
  /** E-mail addresses that receive insights of severity `warning` or of an unknown one. The e-mails contain entity ids. */
  readonly warningEmails?: readonly string[];
  /** E-mail addresses that receive insights of severity `critical`. The e-mails contain entity ids. */
  readonly criticalEmails?: readonly string[];

  /** The ARN of an SNS topic that the alarms publish to. Default: the alarms are visible only in CloudWatch. */
  readonly opsTopicArn?: string;
  /** The model cost in US dollars per day above which the cost alarm goes off. */
  readonly costAlarmUsdPerDay?: number;

  /** Whether two outputs are exported under the names of the original stack. That stack must be deleted first. */
  readonly exportNames?: boolean;

  /** The API and the console on AWS: `none`; `iam` for a function URL with AWS's own authorization; `token` for an HTTP API. */
  readonly http?: Http;
  /** Whether people may give feedback there. It is a permission of its own. */
  readonly httpFeedback?: boolean;
  /** Whether the original dashboard's API is served there. It needs no token, so everyone who knows its address can read it. */
  readonly openOriginalApi?: boolean;
  /** The path of the zip of the API and the console, relative to `infra/`. `make lambda` builds it. */
  readonly httpZip?: string;
}

/** The props with all defaults. A setting that is `undefined` has no default. */
export type Settings = Readonly<
  Required<Omit<PortendProps, OptionalProps>> &
    Pick<PortendProps, OptionalProps> & { models: readonly Model[] }
>;
type OptionalProps =
  | "alertTypesDir"
  | "mirrorTableName"
  | "channelsSecretArn"
  | "digestSchedule"
  | "reservedConcurrency"
  | "bedrockModelId"
  | "openAiSecretArn"
  | "openAiModel"
  | "opsTopicArn";

export const DEFAULTS = {
  alertSources: ["portend.alerts", "iops-dashboard.processor"],
  eventBusName: "iops-dashboard-alerts",
  existingEventBus: false,
  producerAccountIds: [],
  notifyInsights: true,
  tableName: "iops-dashboard-insights",
  existingTable: false,
  channelTopicArns: [],
  holdout: 0,
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
  http: "none",
  httpFeedback: false,
  openOriginalApi: false,
} as const satisfies PortendProps;

/** Where `make lambda` writes the zip, by architecture, relative to `infra/`. */
export const LAMBDA_ZIP: Readonly<Record<Architecture, string>> = {
  x86_64: "../target/lambda/portend-lambda/bootstrap.zip",
  arm64: "../target/lambda/portend-lambda-arm64/bootstrap.zip",
};

/** Where `make lambda` writes the zip of the API and the console, by architecture, relative to `infra/`. */
export const HTTP_ZIP: Readonly<Record<Architecture, string>> = {
  x86_64: "../target/lambda/portend-http/bootstrap.zip",
  arm64: "../target/lambda/portend-http-arm64/bootstrap.zip",
};

const MEMORY_MIB = { min: 128, max: 10240 };
/** AWS's limits for an SQS event source. */
const CONCURRENCY = { min: 2, max: 1000 };
/** The retentions that CloudWatch Logs offers, in days. */
const LOG_RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

export function settingsOf(props: PortendProps): Settings {
  const set = { ...DEFAULTS, ...withoutUndefined(props) };
  checkOpenAi(set);
  checkBus(set);
  checkChannels(set);
  checkHttp(set);
  return {
    ...set,
    region: checkedRegion(set.region),
    alertSources: sources(set.alertSources),
    eventBusName: matching(
      "eventBusName",
      set.eventBusName,
      /^[A-Za-z0-9._-]{1,256}$/,
      "letters, digits, `.`, `-` and `_`",
    ),
    producerAccountIds: distinct(
      "producerAccountIds",
      set.producerAccountIds,
      /^\d{12}$/,
      "account ids of 12 digits",
    ),
    tableName: matching(
      "tableName",
      set.tableName,
      /^[A-Za-z0-9._-]{3,255}$/,
      "3 to 255 letters, digits, `.`, `-` and `_`",
    ),
    mirrorTableName: set.mirrorTableName === undefined ? undefined : mirrorTable(set),
    channelTopicArns: set.channelTopicArns.map((arn) => topicArn("channelTopicArns", arn, set.region)),
    digestSchedule:
      set.digestSchedule === undefined
        ? undefined
        : matching(
            "digestSchedule",
            set.digestSchedule,
            /^(cron\([^()]+\)|rate\(\d+ (minutes?|hours?|days?)\))$/,
            "an expression such as cron(0 7 * * ? *)",
          ),
    holdout: share("holdout", set.holdout),
    architecture: oneOf("architecture", set.architecture, ["x86_64", "arm64"]),
    lambdaZip: set.lambdaZip ?? LAMBDA_ZIP[set.architecture],
    http: oneOf("http", set.http, HTTP),
    httpZip: set.httpZip ?? HTTP_ZIP[set.architecture],
    memoryMib: within("memoryMib", set.memoryMib, MEMORY_MIB),
    maxConcurrency: within("maxConcurrency", set.maxConcurrency, CONCURRENCY),
    reservedConcurrency: reserved(set.reservedConcurrency, set.maxConcurrency),
    logRetentionDays: oneOf("logRetentionDays", set.logRetentionDays, LOG_RETENTION_DAYS),
    models: chain(set),
    infoEmails: addresses("infoEmails", set.infoEmails),
    warningEmails: addresses("warningEmails", set.warningEmails),
    criticalEmails: addresses("criticalEmails", set.criticalEmails),
    opsTopicArn:
      set.opsTopicArn === undefined ? undefined : topicArn("opsTopicArn", set.opsTopicArn, set.region),
    costAlarmUsdPerDay: positive("costAlarmUsdPerDay", set.costAlarmUsdPerDay),
  };
}

/** Removes the props that are `undefined`, so that they get their defaults. */
function withoutUndefined(props: PortendProps): PortendProps {
  return Object.fromEntries(Object.entries(props).filter(([, value]) => value !== undefined));
}

function checkedRegion(region: string | undefined): string {
  if (region === undefined || region === "") {
    throw new PropError(
      "region is not set; set AWS_REGION, choose an AWS profile with a region, or give -c region=us-east-1",
    );
  }
  return matching("region", region, /^[a-z]{2,4}(-[a-z]+)+-\d+$/, "a region name such as us-east-1");
}

/** The checked prop `models`. Default: Bedrock, OpenAI if it is on, and the scorecard. */
function chain({ models, openAi, bedrockModelId }: PortendProps): readonly Model[] {
  if (models === undefined) {
    return openAi ? ["bedrock", "openai", "scorecard"] : ["bedrock", "scorecard"];
  }
  const known = models.map((model) => oneOf("models", model, MODELS));
  if (known.length === 0 || new Set(known).size !== known.length) {
    throw new PropError(
      `models is ${JSON.stringify(models.join())}; name at least one of ${MODELS.join(", ")}, each at most once`,
    );
  }
  if (known.slice(0, -1).includes("scorecard")) {
    throw new PropError(
      `models is "${known.join()}", but the scorecard never fails, so no model after it is called; put scorecard last`,
    );
  }
  if (bedrockModelId !== undefined && !known.includes("bedrock")) {
    throw new PropError(
      "bedrockModelId is set, but models does not name bedrock; add bedrock to models, or remove bedrockModelId",
    );
  }
  if (known.includes("openai") && !openAi) {
    throw new PropError(
      "models names openai, but OpenAI is off; set openAi to true, or remove openai from models",
    );
  }
  return known;
}

/** With fewer reserved invocations, AWS would throttle the batches or the sweep. */
function reserved(concurrency: number | undefined, maxConcurrency: number): number | undefined {
  const min = maxConcurrency + 1;
  if (concurrency !== undefined && !(Number.isInteger(concurrency) && concurrency >= min)) {
    throw new PropError(
      `reservedConcurrency is ${concurrency}; give a whole number of at least ${min}, which is maxConcurrency + 1 for the sweep`,
    );
  }
  return concurrency;
}

function checkOpenAi(set: PortendProps): void {
  if (set.openAi && set.models !== undefined && !set.models.includes("openai")) {
    throw new PropError(
      "openAi is true, but models does not name openai; add openai to models, or remove openAi",
    );
  }
  if (!set.openAi && (set.openAiSecretArn ?? set.openAiModel) !== undefined) {
    const name = set.openAiSecretArn === undefined ? "openAiModel" : "openAiSecretArn";
    throw new PropError(`${name} is set, but OpenAI is off; set openAi to true, or remove ${name}`);
  }
  if (set.openAiSecretArn !== undefined) {
    if (!set.openAiSecretArn.startsWith("arn:")) {
      throw new PropError(
        "openAiSecretArn is not an ARN (its value is not shown, because it may be a key); give the complete ARN of the secret with the key",
      );
    }
    secretArn("openAiSecretArn", set.openAiSecretArn, set.region);
  }
}

/** A partial ARN lacks the six characters that Secrets Manager adds. Its permission would need a wildcard. */
function secretArn(name: string, arn: string, region: string | undefined): string {
  matching(
    name,
    arn,
    /^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[^*?]+-[A-Za-z0-9]{6}$/,
    "the complete ARN of a secret, including the six characters at its end",
  );
  return inRegion(name, arn, region);
}

function checkChannels(set: PortendProps): void {
  if (set.channelsSecretArn === undefined) {
    if (set.digestSchedule !== undefined) {
      throw new PropError(
        "digestSchedule is set, but there are no channels; set channelsSecretArn, or remove digestSchedule",
      );
    }
    if (set.channelTopicArns?.length) {
      throw new PropError(
        "channelTopicArns is set, but there are no channels; set channelsSecretArn, or remove channelTopicArns",
      );
    }
    return;
  }
  if (!set.channelsSecretArn.startsWith("arn:")) {
    throw new PropError(
      "channelsSecretArn is not an ARN (its value is not shown, because it may be a key); give the complete ARN of the secret with the channels",
    );
  }
  secretArn("channelsSecretArn", set.channelsSecretArn, set.region);
}

function mirrorTable({ mirrorTableName, tableName }: PortendProps): string {
  const name = matching(
    "mirrorTableName",
    mirrorTableName ?? "",
    /^[A-Za-z0-9._-]{3,255}$/,
    "3 to 255 letters, digits, `.`, `-` and `_`",
  );
  if (name === tableName) {
    throw new PropError(
      `mirrorTableName is ${name}, which is the table of insights itself; give the table of the original metrics`,
    );
  }
  return name;
}

function checkBus(set: PortendProps): void {
  if (set.eventBusName === "default" && !set.existingEventBus) {
    throw new PropError(
      "eventBusName is default, and that bus exists in every account; set existingEventBus to true, or give another name",
    );
  }
  if (set.existingEventBus && set.producerAccountIds?.length) {
    throw new PropError(
      "producerAccountIds is set, but the stack does not change the policy of an existing bus; change that policy yourself, and remove producerAccountIds",
    );
  }
}

function checkHttp(set: PortendProps): void {
  if (set.http === "none" && (set.httpFeedback || set.openOriginalApi)) {
    const name = set.httpFeedback ? "httpFeedback" : "openOriginalApi";
    throw new PropError(`${name} is true, but there is no API; set http to iam or token, or remove ${name}`);
  }
  if (set.http === "iam" && set.openOriginalApi) {
    throw new PropError(
      "openOriginalApi is true, but the original front ends cannot sign requests as http=iam needs; set http to token, or remove openOriginalApi",
    );
  }
}

/** The source of insights is not one of alerts, because the function would receive its own events. */
function sources(listed: readonly string[]): readonly string[] {
  if (listed.length === 0) {
    throw new PropError("alertSources is empty; name at least one source, such as portend.alerts");
  }
  if (listed.includes(INSIGHT_SOURCE)) {
    throw new PropError(
      `alertSources names ${INSIGHT_SOURCE}, the source of insights, which the function would then receive; remove it`,
    );
  }
  return distinct(
    "alertSources",
    listed,
    /^[A-Za-z0-9._/-]{1,256}$/,
    "letters, digits, `.`, `-`, `_` and `/`",
  );
}

function topicArn(name: string, arn: string, region: string | undefined): string {
  matching(name, arn, /^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/, "the ARN of an SNS topic");
  return inRegion(name, arn, region);
}

function inRegion(name: string, arn: string, region: string | undefined): string {
  if (arn.split(":")[3] !== region) {
    throw new PropError(
      `${name} is ${arn}, which is not in ${region}, the region of the stack; give an ARN in that region`,
    );
  }
  return arn;
}

/** The addresses without duplicates. A topic cannot have two subscriptions of one address. */
function addresses(name: string, listed: readonly string[]): readonly string[] {
  return distinct(name, listed, /^[^\s@,]+@[^\s@,]+\.[^\s@,]+$/, "e-mail addresses");
}

function distinct(
  name: string,
  listed: readonly string[],
  pattern: RegExp,
  expected: string,
): readonly string[] {
  return [...new Set(listed.map((value) => matching(name, value, pattern, expected)))];
}

function matching(name: string, value: string, pattern: RegExp, expected: string): string {
  if (!pattern.test(value)) {
    throw new PropError(`${name} is ${JSON.stringify(value)}; give ${expected}`);
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

function share(name: string, value: number): number {
  if (!(value >= 0 && value <= 1)) {
    throw new PropError(`${name} is ${value}; give a share from 0 to 1, such as 0.05`);
  }
  return value;
}

function positive(name: string, value: number): number {
  if (!Number.isFinite(value) || value <= 0) {
    throw new PropError(`${name} is ${value}; give a number above 0`);
  }
  return value;
}
