// Which model the function calls in a region, and the permissions for that.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import {
  bedrockAccess,
  DEFAULT_MODEL,
  defaultProfile,
  DESTINATION_REGIONS,
  GLOBAL,
  UNLISTED_GEOGRAPHIES,
} from "../lib/bedrock-access";
import { Json, REPOSITORY } from "./harness";

const MODELS_TOML = readFileSync(path.join(REPOSITORY, "crates/remote/models.toml"), "utf8");
const HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0";

function access(modelId: string | undefined, region: string): { modelId: string; statements: Json[] } {
  const { statements, ...rest } = bedrockAccess(modelId, {
    partition: "aws",
    region,
    account: "123456789012",
  });
  return { ...rest, statements: statements.map((statement) => statement.toStatementJson()) };
}

function profileArn(id: string, region: string): string {
  return `arn:aws:bedrock:${region}:123456789012:inference-profile/${id}`;
}

function modelArn(model: string, region: string): string {
  return `arn:aws:bedrock:${region}::foundation-model/${model}`;
}

test("a geographic profile is allowed, and its model in each region that the profile may send to", () => {
  const table: [region: string, geography: string, destinations: string[]][] = [
    ["us-east-1", "us", ["us-east-1", "us-east-2", "us-west-2"]],
    ["us-west-1", "us", ["us-east-1", "us-east-2", "us-west-1", "us-west-2"]],
    ["us-west-2", "us", ["us-east-1", "us-east-2", "us-west-2"]],
    ["ca-central-1", "us", ["ca-central-1", "us-east-1", "us-east-2", "us-west-2"]],
    [
      "eu-central-1",
      "eu",
      ["eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3"],
    ],
    [
      "eu-west-2",
      "eu",
      ["eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3"],
    ],
    [
      "eu-central-2",
      "eu",
      ["eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3"],
    ],
    ["ap-northeast-1", "jp", ["ap-northeast-1", "ap-northeast-3"]],
    ["ap-southeast-2", "au", ["ap-southeast-2", "ap-southeast-4"]],
  ];
  for (const [region, geography, destinations] of table) {
    const id = `${geography}.${HAIKU}`;
    const profile = profileArn(id, region);
    assert.deepEqual(access(id, region), {
      modelId: id,
      statements: [
        { Effect: "Allow", Action: "bedrock:InvokeModel", Resource: profile },
        {
          Effect: "Allow",
          Action: "bedrock:InvokeModel",
          Resource: destinations.map((destination) => modelArn(HAIKU, destination)),
          Condition: { StringEquals: { "bedrock:InferenceProfileArn": profile } },
        },
      ],
    });
  }
});

test("the global profile is allowed, and its model in this region and by the ARN without a region", () => {
  const id = `global.${HAIKU}`;
  const profile = profileArn(id, "sa-east-1");
  const throughProfile = { "bedrock:InferenceProfileArn": profile };
  assert.deepEqual(access(id, "sa-east-1").statements, [
    { Effect: "Allow", Action: "bedrock:InvokeModel", Resource: profile },
    {
      Effect: "Allow",
      Action: "bedrock:InvokeModel",
      Resource: modelArn(HAIKU, "sa-east-1"),
      Condition: { StringEquals: throughProfile },
    },
    {
      Effect: "Allow",
      Action: "bedrock:InvokeModel",
      Resource: `arn:aws:bedrock:::foundation-model/${HAIKU}`,
      Condition: { StringEquals: { ...throughProfile, "aws:RequestedRegion": "unspecified" } },
    },
  ]);
});

test("the id and the ARN of a profile get the same permissions", () => {
  for (const geography of [...Object.keys(DESTINATION_REGIONS), GLOBAL]) {
    const id = `${geography}.anthropic.claude-haiku-5-5`;
    const region = DESTINATION_REGIONS[geography]?.[0] ?? "sa-east-1";
    const arn = profileArn(id, region);
    assert.deepEqual(access(arn, region).statements, access(id, region).statements, id);
    assert.equal(access(arn, region).modelId, arn);
  }
});

test("a model is allowed only in this region, by id and by ARN", () => {
  const model = modelArn("amazon.nova-lite-v1:0", "us-east-1");
  const allow = [{ Effect: "Allow", Action: "bedrock:InvokeModel", Resource: model }];
  assert.deepEqual(access("amazon.nova-lite-v1:0", "us-east-1").statements, allow);
  assert.deepEqual(access(model, "us-east-1").statements, allow);
  const provisioned = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc123";
  assert.deepEqual(access(provisioned, "us-east-1").statements, [{ ...allow[0], Resource: provisioned }]);
});

test("a wrong model is refused with a sentence that says how to fix it", () => {
  for (const [modelId, region, sentence] of [
    [undefined, "sa-east-1", /^bedrockModelId must be set in sa-east-1, .* give global\.anthropic/],
    [
      undefined,
      "us-gov-west-1",
      /^bedrockModelId must be set in us-gov-west-1, .*; give the id or ARN of a model/,
    ],
    [undefined, "us-iso-east-1", /^bedrockModelId must be set in us-iso-east-1/],
    [
      "apac.anthropic.claude-3-haiku-20240307-v1:0",
      "ap-south-1",
      /whose regions this stack does not know; give a profile id that begins with global\., the id or ARN/,
    ],
    [
      "us-gov.anthropic.claude-3-haiku-20240307-v1:0",
      "us-gov-west-1",
      /does not know; give the id or ARN of a model/,
    ],
    [`kr.${HAIKU}`, "ap-northeast-2", /does not know; give a profile id that begins with jp\. or global\./],
    [`eu.${HAIKU}`, "us-east-1", /cannot be called from us-east-1, .* begins with us\. or global\./],
    [`jp.${HAIKU}`, "us-east-1", /cannot be called from us-east-1/],
    [profileArn(`eu.${HAIKU}`, "us-east-1"), "us-east-1", /cannot be called from us-east-1/],
    [
      `us.${HAIKU}`,
      "us-gov-west-1",
      /cannot be called from us-gov-west-1, .*; give the id or ARN of a model/,
    ],
    [`global.${HAIKU}`, "us-gov-west-1", /cannot be called from us-gov-west-1/],
    [`eu.${HAIKU}`, "eu-isoe-west-1", /cannot be called from eu-isoe-west-1/],
    ["claude", "us-east-1", /^bedrockModelId claude is not a model id/],
    ["us.", "us-east-1", /^bedrockModelId us\. is not a model id/],
    ["us.anthropic.", "us-east-1", /is not a model id/],
    ["us.anthropic.*", "us-east-1", /is not a model id/],
    ["anthropic.*", "us-east-1", /is not a model id/],
    [modelArn("*", "us-east-1"), "us-east-1", /is not the ARN of one Bedrock resource/],
    [modelArn("anthropic.claude-?", "us-east-1"), "us-east-1", /is not the ARN of one Bedrock resource/],
    [profileArn("us.*", "us-east-1"), "us-east-1", /is not the ARN of one Bedrock resource/],
    [profileArn("us.", "us-east-1"), "us-east-1", /is a kind of resource that this stack cannot allow/],
    [
      "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/*",
      "us-east-1",
      /is not the ARN of one Bedrock resource/,
    ],
    [
      `arn:aws:bedrock:us-east-1:*:inference-profile/us.${HAIKU}`,
      "us-east-1",
      /is not the ARN of one Bedrock resource/,
    ],
    [profileArn(`eu.${HAIKU}`, "eu-west-1"), "us-east-1", /is not in us-east-1, the region of the stack/],
    ["arn:aws:s3:::bucket", "us-east-1", /is not the ARN of one Bedrock resource/],
    [
      "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc",
      "us-east-1",
      /is a kind of resource that this stack cannot allow/,
    ],
  ] as [string | undefined, string, RegExp][]) {
    assert.throws(() => access(modelId, region), { message: sentence });
  }
});

test("the default model, the geographies and their regions are those of crates/remote/models.toml", () => {
  assert.equal(DEFAULT_MODEL, /^bedrock = "([^"]+)"/m.exec(MODELS_TOML)?.[1]);
  const geographies = [...Object.keys(DESTINATION_REGIONS), GLOBAL, ...UNLISTED_GEOGRAPHIES];
  assert.deepEqual(
    JSON.parse(/^geographies = (\[[^\]]*\])/m.exec(MODELS_TOML)?.[1] ?? "").sort(),
    geographies.sort(),
  );
  const rows = [...MODELS_TOML.matchAll(/^\[\[region\]\]\nname = "([^"]+)".*(?:\ngeography = "([^"]+)")?/gm)];
  assert.ok(rows.length >= 4, "the table of regions is read");
  for (const [, pattern = "", geography] of rows) {
    const region = pattern.replace("*", "west-1");
    assert.equal(defaultProfile(region), geography && `${geography}.${HAIKU}`, region);
  }
});
