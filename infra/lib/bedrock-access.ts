// Says which Bedrock model the Lambda asks and what it must be allowed for that, and nothing more.
//
// Takes: the prop `bedrockModelId`, or none, and the place of the stack: partition, region, account.
// Gives: the model's id as the Lambda is told it, and the `bedrock:InvokeModel` statements for it.
// Never: looks anything up in an account, or grants a model of which the deployer did not name the id or the profile.

import * as iam from "aws-cdk-lib/aws-iam";
import { PropError } from "./props";

/** The model of the default inference profile; `crates/remote/models.toml` has the same, and a test holds them equal. */
export const DEFAULT_MODEL = "anthropic.claude-haiku-4-5-20251001-v1:0";

/**
 * Where a geography's inference profiles may send a request, by the first part of the profile's id. The region that
 * the request is made in is one more: a profile sends to it even where it is no destination for other regions, as for
 * us-west-1, ca-central-1, eu-central-2 and eu-west-2.
 *
 * From the tables of source and destination regions in the Amazon Bedrock User Guide, "Supported Regions and models
 * for inference profiles", for Claude Haiku 4.5 (jp: for Sonnet 4.5), in a copy that was read on 2026-11-25. A region
 * too many grants nothing more, since the condition on the profile stands beside it; one too few fails the calls that
 * are sent there. `aws bedrock get-inference-profile` says for an account what holds.
 */
export const DESTINATION_REGIONS: Readonly<Record<string, readonly string[]>> = {
  us: ["us-east-1", "us-east-2", "us-west-2"],
  eu: ["eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3"],
  jp: ["ap-northeast-1", "ap-northeast-3"],
  au: ["ap-southeast-2", "ap-southeast-4"],
};

/** The geography that is every commercial region; the model's ARN then names none. */
export const GLOBAL = "global";

/**
 * From which regions a geography's profiles can be asked. A region that fits none of its own geographies is refused its
 * profile: AWS would refuse each call, and the permission would be for regions that nobody chose. Outside AWS's
 * commercial regions there is no global profile.
 */
const SOURCE_REGIONS: Readonly<Record<string, RegExp>> = {
  us: /^(us-(east|west)|ca-(central|west))-/,
  eu: /^eu-(central|north|south|west)-/,
  jp: /^ap-northeast-/,
  au: /^ap-southeast-/,
  [GLOBAL]: /^(?!cn-|us-gov-|us-iso|eu-iso|eusc-)/,
};

/** Geographies whose destinations differ from model to model, so that no table of ours can be right for them. */
export const UNLISTED_GEOGRAPHIES: readonly string[] = ["apac", "ca", "us-gov"];

/** Which geography's profile a region asks by default; the geographic one, since the data then stay there. */
const GEOGRAPHY_OF_REGION: readonly (readonly [pattern: RegExp, geography: string])[] = [
  [/^us-(east|west)-/, "us"],
  [/^eu-(central|north|south|west)-/, "eu"],
  [/^ap-northeast-1$/, "jp"],
  [/^ap-southeast-2$/, "au"],
];

/** ARN kinds that stand for one model in one region, with nothing behind them that needs a statement of its own. */
const SINGLE_MODEL_KINDS: readonly string[] = [
  "foundation-model",
  "provisioned-model",
  "custom-model-deployment",
  "imported-model",
];

/** A model's id, as `anthropic.claude-haiku-4-5-20251001-v1:0`. What is no more than a part of one would grant others. */
const MODEL_ID = /^[a-z0-9-]+\.[A-Za-z0-9][A-Za-z0-9.:_-]*$/;
/** How ids of profiles begin that are not in our tables, as `kr.`; no vendor's name has two letters. */
const OF_A_GEOGRAPHY = /^[a-z]{2}\./;
/** A wildcard in any part would grant more than was named. */
const BEDROCK_ARN =
  /^arn:[a-z-]+:bedrock:(?<region>[a-z0-9-]+):(\d{12})?:(?<kind>[a-z-]+)\/(?<name>[A-Za-z0-9][A-Za-z0-9.:_/-]*)$/;

/** The place of the stack, for ARNs. Partition and account may be tokens; the region must be known. */
export interface Place {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

export interface BedrockAccess {
  /** What `BEDROCK_MODEL_ID` says. */
  readonly modelId: string;
  readonly statements: readonly iam.PolicyStatement[];
  /** The one resource in them that is meant to have wildcards; `undefined` where all are by name. */
  readonly wildcard?: string;
}

/** The inference profile that a region asks where no prop says otherwise; `undefined` where there is none. */
export function defaultProfile(region: string): string | undefined {
  const geography = GEOGRAPHY_OF_REGION.find(([pattern]) => pattern.test(region))?.[1];
  return geography && `${geography}.${DEFAULT_MODEL}`;
}

export function bedrockAccess(wanted: string | undefined, place: Place): BedrockAccess {
  const modelId = wanted ?? defaultProfile(place.region);
  if (modelId === undefined) {
    const mend = canAsk(GLOBAL, place.region)
      ? `global.${DEFAULT_MODEL}, another profile's id, or a model's id or ARN`
      : rightModel(place.region);
    throw new PropError(
      `bedrockModelId must be set in ${place.region}, for which there is no default inference profile; ` +
        `give ${mend}`,
    );
  }
  return { modelId, ...(modelId.startsWith("arn:") ? byArn(modelId, place) : byId(modelId, place)) };
}

type Grant = Omit<BedrockAccess, "modelId">;

function byId(id: string, place: Place): Grant {
  const { geography, model } = profileParts(id);
  if (UNLISTED_GEOGRAPHIES.includes(geography) || (OF_A_GEOGRAPHY.test(id) && !isListed(geography))) {
    throw new PropError(
      `bedrockModelId ${id} is of a geography of which this stack does not know the regions; ` +
        `give ${rightModel(place.region)}`,
    );
  }
  if (!MODEL_ID.test(isListed(geography) ? model : id)) {
    throw new PropError(
      `bedrockModelId ${id} is no model id, inference profile id or ARN; give one, as ${DEFAULT_MODEL}`,
    );
  }
  return isListed(geography)
    ? byProfile(id, profileArn(id, place), place)
    : { statements: [allow([foundationModelArn(id, place.region, place)])] };
}

function byArn(arn: string, place: Place): Grant {
  const { region, kind = "", name = "" } = BEDROCK_ARN.exec(arn)?.groups ?? {};
  if (region === undefined) {
    throw new PropError(
      `bedrockModelId ${arn} is no ARN of one thing of Bedrock; give arn:aws:bedrock:REGION:ACCOUNT:inference-profile/ID`,
    );
  }
  if (region !== place.region) {
    throw new PropError(
      `bedrockModelId ${arn} is not in ${place.region}, where the stack stands; give one that is`,
    );
  }
  if (SINGLE_MODEL_KINDS.includes(kind)) {
    return { statements: [allow([arn])] };
  }
  if (kind === "application-inference-profile") {
    // The profile's own models can be told only by asking the account, which synthesis never does. So both the region
    // and the model are wildcards here; the condition confines them to what this one profile sends to.
    const wildcard = foundationModelArn("*", "*", place);
    return {
      statements: [allow([arn]), allow([wildcard], { "bedrock:InferenceProfileArn": arn })],
      wildcard,
    };
  }
  const { geography, model } = profileParts(name);
  if (kind === "inference-profile" && isListed(geography) && MODEL_ID.test(model)) {
    return byProfile(name, arn, place);
  }
  throw new PropError(
    `bedrockModelId ${arn} is of a kind that this stack cannot grant; give an inference profile or a model`,
  );
}

function isListed(geography: string): boolean {
  return geography === GLOBAL || Object.hasOwn(DESTINATION_REGIONS, geography);
}

/** Whether a region's requests can go to a geography's profiles. */
function canAsk(geography: string, region: string): boolean {
  return SOURCE_REGIONS[geography]?.test(region) ?? false;
}

/** What can be given in a region, for a sentence. */
function rightModel(region: string): string {
  const prefixes = Object.keys(SOURCE_REGIONS).filter((geography) => canAsk(geography, region));
  const profile = prefixes.length > 0 ? `a profile that begins with ${prefixes.join(". or ")}., ` : "";
  return `${profile}a model's id or ARN, or the ARN of an application inference profile`;
}

/** A profile's id is a geography before a model's id. */
function profileParts(id: string): { geography: string; model: string } {
  const [geography = "", ...model] = id.split(".");
  return { geography, model: model.join(".") };
}

function byProfile(id: string, profile: string, place: Place): Grant {
  const { geography, model } = profileParts(id);
  if (!canAsk(geography, place.region)) {
    throw new PropError(
      `bedrockModelId ${id} cannot be asked from ${place.region}, where the stack stands; ` +
        `give ${rightModel(place.region)}`,
    );
  }
  const throughProfile = { "bedrock:InferenceProfileArn": profile };
  if (geography === GLOBAL) {
    return {
      statements: [
        allow([profile]),
        allow([foundationModelArn(model, place.region, place)], throughProfile),
        // A request that may go to any region is authorised on the ARN that names none, as of region "unspecified".
        allow([foundationModelArn(model, "", place)], {
          ...throughProfile,
          "aws:RequestedRegion": "unspecified",
        }),
      ],
    };
  }
  const regions = new Set([...(DESTINATION_REGIONS[geography] ?? []), place.region]);
  const models = [...regions].sort().map((region) => foundationModelArn(model, region, place));
  return { statements: [allow([profile]), allow(models, throughProfile)] };
}

function allow(resources: string[], equals?: Record<string, string>): iam.PolicyStatement {
  return new iam.PolicyStatement({
    actions: ["bedrock:InvokeModel"],
    resources,
    conditions: equals && { StringEquals: equals },
  });
}

function profileArn(id: string, { partition, region, account }: Place): string {
  return `arn:${partition}:bedrock:${region}:${account}:inference-profile/${id}`;
}

function foundationModelArn(model: string, region: string, { partition }: Place): string {
  return `arn:${partition}:bedrock:${region}::foundation-model/${model}`;
}
