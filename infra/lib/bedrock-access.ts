// Which Bedrock model the function calls, and the permissions that this call needs.
//
// Never: sends a request to AWS, or allows a model whose id or profile the deployer did not name.

import * as iam from "aws-cdk-lib/aws-iam";
import { PropError } from "./props";

/** The model of the default inference profile. A test checks that it is the default of `crates/remote/models.toml`. */
export const DEFAULT_MODEL = "anthropic.claude-haiku-4-5-20251001-v1:0";

/**
 * The regions that a geography's inference profiles may send a request to, by the first part of the profile id. A profile
 * may also send to the region of the request, even if that region is not in this list. Examples are us-west-1,
 * ca-central-1, eu-central-2 and eu-west-2.
 *
 * Source: Amazon Bedrock User Guide, "Supported Regions and models for inference profiles", the tables of source and
 * destination regions for Claude Haiku 4.5 (jp: Sonnet 4.5), read on 2026-11-25. An extra region allows nothing more,
 * because each statement also requires the profile. A call that is sent to a missing region fails.
 * `aws bedrock get-inference-profile` shows the regions that apply to an account.
 */
export const DESTINATION_REGIONS: Readonly<Record<string, readonly string[]>> = {
  us: ["us-east-1", "us-east-2", "us-west-2"],
  eu: ["eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3"],
  jp: ["ap-northeast-1", "ap-northeast-3"],
  au: ["ap-southeast-2", "ap-southeast-4"],
};

/** The geography of all commercial regions. The ARN of the model then names no region. */
export const GLOBAL = "global";

/**
 * The regions from which a geography's profiles can be called. AWS refuses every call from another region, so the stack
 * refuses to deploy there. The global profile exists only in AWS's commercial regions.
 */
const SOURCE_REGIONS: Readonly<Record<string, RegExp>> = {
  us: /^(us-(east|west)|ca-(central|west))-/,
  eu: /^eu-(central|north|south|west)-/,
  jp: /^ap-northeast-/,
  au: /^ap-southeast-/,
  [GLOBAL]: /^(?!cn-|us-gov-|us-iso|eu-iso|eusc-)/,
};

/** Geographies without a table here, because their destination regions differ from model to model. */
export const UNLISTED_GEOGRAPHIES: readonly string[] = ["apac", "ca", "us-gov"];

/** The geography of a region's default profile. It is never `global`, so that the data stay in the geography. */
const GEOGRAPHY_OF_REGION: readonly (readonly [pattern: RegExp, geography: string])[] = [
  [/^us-(east|west)-/, "us"],
  [/^eu-(central|north|south|west)-/, "eu"],
  [/^ap-northeast-1$/, "jp"],
  [/^ap-southeast-2$/, "au"],
];

/** The kinds of ARN that name one model in one region. One statement is enough for them. */
const SINGLE_MODEL_KINDS: readonly string[] = [
  "foundation-model",
  "provisioned-model",
  "custom-model-deployment",
  "imported-model",
];

/** A complete model id, such as `anthropic.claude-haiku-4-5-20251001-v1:0`. Part of an id could allow other models. */
const MODEL_ID = /^[a-z0-9-]+\.[A-Za-z0-9][A-Za-z0-9.:_-]*$/;
/** How the id of an unknown geography's profile begins, such as `kr.`. No vendor's name has two letters. */
const OF_A_GEOGRAPHY = /^[a-z]{2}\./;
/** Contains no wildcard, because a wildcard would allow more than the deployer named. */
const BEDROCK_ARN =
  /^arn:[a-z-]+:bedrock:(?<region>[a-z0-9-]+):(\d{12})?:(?<kind>[a-z-]+)\/(?<name>[A-Za-z0-9][A-Za-z0-9.:_/-]*)$/;

/** Where the stack is, for ARNs. Partition and account may be CDK tokens; the region must be known. */
export interface StackLocation {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

export interface BedrockAccess {
  /** The value of `BEDROCK_MODEL_ID`. */
  readonly modelId: string;
  readonly statements: readonly iam.PolicyStatement[];
  /** The one resource in the statements that has wildcards; `undefined` if there is none. */
  readonly wildcard?: string;
}

/** The default inference profile of a region; `undefined` if the region has none. */
export function defaultProfile(region: string): string | undefined {
  const geography = GEOGRAPHY_OF_REGION.find(([pattern]) => pattern.test(region))?.[1];
  return geography && `${geography}.${DEFAULT_MODEL}`;
}

/** `configured` is the prop `bedrockModelId`. */
export function bedrockAccess(configured: string | undefined, location: StackLocation): BedrockAccess {
  const modelId = configured ?? defaultProfile(location.region);
  if (modelId === undefined) {
    const accepted = canCall(GLOBAL, location.region)
      ? `global.${DEFAULT_MODEL}, the id of another profile, or the id or ARN of a model`
      : acceptedModels(location.region);
    throw new PropError(
      `bedrockModelId must be set in ${location.region}, which has no default inference profile; ` +
        `give ${accepted}`,
    );
  }
  return { modelId, ...(modelId.startsWith("arn:") ? byArn(modelId, location) : byId(modelId, location)) };
}

/**
 * Allows the function to ask when the model ends; `undefined` if the id does not say which foundation model it is, as that
 * of an application inference profile does not.
 */
export function lifecycleStatement(
  modelId: string,
  location: StackLocation,
): iam.PolicyStatement | undefined {
  const id = modelId.slice(modelId.lastIndexOf("/") + 1);
  const { geography, model } = profileParts(id);
  const bare = isListed(geography) ? model : id;
  return MODEL_ID.test(bare)
    ? new iam.PolicyStatement({
        actions: ["bedrock:GetFoundationModel"],
        resources: [foundationModelArn(bare, location.region, location)],
      })
    : undefined;
}

type Grant = Omit<BedrockAccess, "modelId">;

function byId(id: string, location: StackLocation): Grant {
  const { geography, model } = profileParts(id);
  if (UNLISTED_GEOGRAPHIES.includes(geography) || (OF_A_GEOGRAPHY.test(id) && !isListed(geography))) {
    throw new PropError(
      `bedrockModelId ${id} belongs to a geography whose regions this stack does not know; ` +
        `give ${acceptedModels(location.region)}`,
    );
  }
  if (!MODEL_ID.test(isListed(geography) ? model : id)) {
    throw new PropError(
      `bedrockModelId ${id} is not a model id, inference profile id or ARN; give one, such as ${DEFAULT_MODEL}`,
    );
  }
  return isListed(geography)
    ? byProfile(id, profileArn(id, location), location)
    : { statements: [allow([foundationModelArn(id, location.region, location)])] };
}

function byArn(arn: string, location: StackLocation): Grant {
  const { region, kind = "", name = "" } = BEDROCK_ARN.exec(arn)?.groups ?? {};
  if (region === undefined) {
    throw new PropError(
      `bedrockModelId ${arn} is not the ARN of one Bedrock resource; give one, such as arn:aws:bedrock:REGION:ACCOUNT:inference-profile/ID`,
    );
  }
  if (region !== location.region) {
    throw new PropError(
      `bedrockModelId ${arn} is not in ${location.region}, the region of the stack; give an ARN in that region`,
    );
  }
  if (SINGLE_MODEL_KINDS.includes(kind)) {
    return { statements: [allow([arn])] };
  }
  if (kind === "application-inference-profile") {
    // Only the account knows the models of the profile, and synthesis sends no request. So both the region and the model
    // are wildcards. The condition limits them to calls through this profile.
    const wildcard = foundationModelArn("*", "*", location);
    return {
      statements: [allow([arn]), allow([wildcard], { "bedrock:InferenceProfileArn": arn })],
      wildcard,
    };
  }
  const { geography, model } = profileParts(name);
  if (kind === "inference-profile" && isListed(geography) && MODEL_ID.test(model)) {
    return byProfile(name, arn, location);
  }
  throw new PropError(
    `bedrockModelId ${arn} is a kind of resource that this stack cannot allow; give an inference profile or a model`,
  );
}

function isListed(geography: string): boolean {
  return geography === GLOBAL || Object.hasOwn(DESTINATION_REGIONS, geography);
}

/** Whether the profiles of a geography can be called from a region. */
function canCall(geography: string, region: string): boolean {
  return SOURCE_REGIONS[geography]?.test(region) ?? false;
}

/** The values of `bedrockModelId` that a region accepts, for an error message. */
function acceptedModels(region: string): string {
  const prefixes = Object.keys(SOURCE_REGIONS).filter((geography) => canCall(geography, region));
  const profile = prefixes.length > 0 ? `a profile id that begins with ${prefixes.join(". or ")}., ` : "";
  return `${profile}the id or ARN of a model, or the ARN of an application inference profile`;
}

/** Splits a profile id at its first dot, into the geography and the model id. */
function profileParts(id: string): { geography: string; model: string } {
  const [geography = "", ...model] = id.split(".");
  return { geography, model: model.join(".") };
}

function byProfile(id: string, profile: string, location: StackLocation): Grant {
  const { geography, model } = profileParts(id);
  if (!canCall(geography, location.region)) {
    throw new PropError(
      `bedrockModelId ${id} cannot be called from ${location.region}, the region of the stack; ` +
        `give ${acceptedModels(location.region)}`,
    );
  }
  const throughProfile = { "bedrock:InferenceProfileArn": profile };
  if (geography === GLOBAL) {
    return {
      statements: [
        allow([profile]),
        allow([foundationModelArn(model, location.region, location)], throughProfile),
        // AWS authorises a call of a global profile on the ARN without a region. The requested region is "unspecified".
        allow([foundationModelArn(model, "", location)], {
          ...throughProfile,
          "aws:RequestedRegion": "unspecified",
        }),
      ],
    };
  }
  const regions = new Set([...(DESTINATION_REGIONS[geography] ?? []), location.region]);
  const models = [...regions].sort().map((region) => foundationModelArn(model, region, location));
  return { statements: [allow([profile]), allow(models, throughProfile)] };
}

function allow(resources: string[], equals?: Record<string, string>): iam.PolicyStatement {
  return new iam.PolicyStatement({
    actions: ["bedrock:InvokeModel"],
    resources,
    conditions: equals && { StringEquals: equals },
  });
}

function profileArn(id: string, { partition, region, account }: StackLocation): string {
  return `arn:${partition}:bedrock:${region}:${account}:inference-profile/${id}`;
}

function foundationModelArn(model: string, region: string, { partition }: StackLocation): string {
  return `arn:${partition}:bedrock:${region}::foundation-model/${model}`;
}
