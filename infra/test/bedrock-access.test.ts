// Which model is asked in which region, and on which ARNs that needs a permission.

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

test("each geography's profile is allowed, and its model in each region that the profile may send to", () => {
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

test("the global profile needs the model here, and the model's ARN that names no region", () => {
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

test("a profile is the same by its id and by its ARN", () => {
  for (const geography of [...Object.keys(DESTINATION_REGIONS), GLOBAL]) {
    const id = `${geography}.anthropic.claude-haiku-5-5`;
    const region = DESTINATION_REGIONS[geography]?.[0] ?? "sa-east-1";
    const arn = profileArn(id, region);
    assert.deepEqual(access(arn, region).statements, access(id, region).statements, id);
    assert.equal(access(arn, region).modelId, arn);
  }
});

test("a model's id or ARN is allowed in this region alone", () => {
  const model = modelArn("amazon.nova-lite-v1:0", "us-east-1");
  const allow = [{ Effect: "Allow", Action: "bedrock:InvokeModel", Resource: model }];
  assert.deepEqual(access("amazon.nova-lite-v1:0", "us-east-1").statements, allow);
  assert.deepEqual(access(model, "us-east-1").statements, allow);
  const provisioned = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc123";
  assert.deepEqual(access(provisioned, "us-east-1").statements, [{ ...allow[0], Resource: provisioned }]);
});

test("a wrong model is refused with its mend", () => {
  for (const [modelId, region, sentence] of [
    [undefined, "sa-east-1", /^bedrockModelId must be set in sa-east-1, .* give global\.anthropic/],
    [
      undefined,
      "us-gov-west-1",
      /^bedrockModelId must be set in us-gov-west-1, .*; give a model's id or ARN/,
    ],
    [undefined, "us-iso-east-1", /^bedrockModelId must be set in us-iso-east-1/],
    [
      "apac.anthropic.claude-3-haiku-20240307-v1:0",
      "ap-south-1",
      /does not know the regions; give a profile that begins with global\., a model's id/,
    ],
    [
      "us-gov.anthropic.claude-3-haiku-20240307-v1:0",
      "us-gov-west-1",
      /the regions; give a model's id or ARN/,
    ],
    [
      `kr.${HAIKU}`,
      "ap-northeast-2",
      /does not know the regions; give a profile that begins with jp\. or glo/,
    ],
    [`eu.${HAIKU}`, "us-east-1", /cannot be asked from us-east-1, .* begins with us\. or global\./],
    [`jp.${HAIKU}`, "us-east-1", /cannot be asked from us-east-1/],
    [profileArn(`eu.${HAIKU}`, "us-east-1"), "us-east-1", /cannot be asked from us-east-1/],
    [`us.${HAIKU}`, "us-gov-west-1", /cannot be asked from us-gov-west-1, .*; give a model's id or ARN/],
    [`global.${HAIKU}`, "us-gov-west-1", /cannot be asked from us-gov-west-1/],
    [`eu.${HAIKU}`, "eu-isoe-west-1", /cannot be asked from eu-isoe-west-1/],
    ["claude", "us-east-1", /^bedrockModelId claude is no model id/],
    ["us.", "us-east-1", /^bedrockModelId us\. is no model id/],
    ["us.anthropic.", "us-east-1", /is no model id/],
    ["us.anthropic.*", "us-east-1", /is no model id/],
    ["anthropic.*", "us-east-1", /is no model id/],
    [modelArn("*", "us-east-1"), "us-east-1", /is no ARN of one thing of Bedrock/],
    [modelArn("anthropic.claude-?", "us-east-1"), "us-east-1", /is no ARN of one thing of Bedrock/],
    [profileArn("us.*", "us-east-1"), "us-east-1", /is no ARN of one thing of Bedrock/],
    [profileArn("us.", "us-east-1"), "us-east-1", /of a kind that this stack cannot grant/],
    [
      "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/*",
      "us-east-1",
      /is no ARN of one thing of Bedrock/,
    ],
    [`arn:aws:bedrock:us-east-1:*:inference-profile/us.${HAIKU}`, "us-east-1", /is no ARN of one thing/],
    [profileArn(`eu.${HAIKU}`, "eu-west-1"), "us-east-1", /is not in us-east-1, where the stack stands/],
    ["arn:aws:s3:::bucket", "us-east-1", /is no ARN of one thing of Bedrock/],
    [
      "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc",
      "us-east-1",
      /of a kind that this stack cannot grant/,
    ],
  ] as [string | undefined, string, RegExp][]) {
    assert.throws(() => access(modelId, region), { message: sentence });
  }
});

test("the default model, its geographies and the regions that have one are those of the Lambda's code", () => {
  assert.equal(DEFAULT_MODEL, /^bedrock = "([^"]+)"/m.exec(MODELS_TOML)?.[1]);
  const geographies = [...Object.keys(DESTINATION_REGIONS), GLOBAL, ...UNLISTED_GEOGRAPHIES];
  assert.deepEqual(
    JSON.parse(/^geographies = (\[[^\]]*\])/m.exec(MODELS_TOML)?.[1] ?? "").sort(),
    geographies.sort(),
  );
  const rows = [...MODELS_TOML.matchAll(/^\[\[region\]\]\nname = "([^"]+)".*(?:\ngeography = "([^"]+)")?/gm)];
  assert.ok(rows.length >= 4, "the regions' table is read");
  for (const [, pattern = "", geography] of rows) {
    const region = pattern.replace("*", "west-1");
    assert.equal(defaultProfile(region), geography && `${geography}.${HAIKU}`, region);
  }
});
