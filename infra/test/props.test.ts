// The props: how they are read, their defaults, and the error messages for wrong values.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import { KINDS, propsOf } from "../lib/context";
import { PortendProps, PropError, settingsOf } from "../lib/props";
import { EVERYTHING, Json, SECRET_ARN, Synthesized, temporaryFolder } from "./harness";

const EU = { region: "eu-west-1" };

test("a prop has the same type from the command line and from a file", () => {
  const fromCommandLine = propsOf({
    existingTable: "true",
    xray: "false",
    memoryMib: "512",
    costAlarmUsdPerDay: "2.5",
    models: "openai, scorecard",
    warningEmails: "",
    tableName: "mine",
  });
  const fromFile = propsOf({
    existingTable: true,
    xray: false,
    memoryMib: 512,
    costAlarmUsdPerDay: 2.5,
    models: ["openai", "scorecard"],
    warningEmails: [],
    tableName: "mine",
  });
  assert.deepEqual(fromCommandLine, fromFile);
});

test("CDK's own context is ignored, and a misspelt prop is refused", () => {
  assert.deepEqual(
    propsOf({
      "aws:cdk:enable-path-metadata": true,
      "@aws-cdk/core:checkSecretUsage": true,
      "cli-telemetry": false,
    }),
    {},
  );
  assert.throws(() => propsOf({ exsitingTable: "true" }), {
    message:
      /^exsitingTable is not a prop of this stack; the props are region, alertTypesDir, alertSources, /,
  });
  for (const name of ["max-concurrency", "MAX_CONCURRENCY", "maxconcurrency"]) {
    assert.throws(() => propsOf({ [name]: "5" }), {
      message: `${name} is not a prop of this stack; write maxConcurrency`,
    });
  }
  assert.throws(() => propsOf({ constructor: "x" }), { message: /^constructor is not a prop/ });
});

test("a value of the wrong type is refused with the expected type", () => {
  for (const [context, sentence] of [
    [{ existingTable: "yes" }, 'existingTable is "yes"; give true or false'],
    [{ memoryMib: "256MB" }, 'memoryMib is "256MB"; give a number'],
    [{ memoryMib: "-1" }, 'memoryMib is "-1"; give a number'],
    [{ tableName: "" }, 'tableName is ""; give text'],
    [{ models: { first: "bedrock" } }, 'models is {"first":"bedrock"}; give a list, such as a,b'],
  ] as [Record<string, unknown>, string][]) {
    assert.throws(() => propsOf(context), new PropError(sentence));
  }
});

test("a wrong value is refused with one sentence that names the prop and says how to fix it", () => {
  for (const [props, sentence] of [
    [{ region: undefined }, /^region is not set; set AWS_REGION, .* give -c region=us-east-1$/],
    [{ region: "Ireland" }, /^region is "Ireland"; give a region name such as us-east-1$/],
    [{ eventBusName: "my bus" }, /^eventBusName is "my bus"; give letters, digits/],
    [{ eventBusName: "default" }, /^eventBusName is default, .*; set existingEventBus to true/],
    [
      { producerAccountIds: ["210987654321", "12345"] },
      /^producerAccountIds is "12345"; give account ids of 12 digits$/,
    ],
    [
      { producerAccountIds: ["210987654321"], existingEventBus: true },
      /^producerAccountIds is set, but .* an existing bus; change that policy yourself/,
    ],
    [{ tableName: "ab" }, /^tableName is "ab"; give 3 to 255 letters/],
    [{ architecture: "x86" }, /^architecture is "x86"; give one of x86_64, arm64$/],
    [{ memoryMib: 64 }, /^memoryMib is 64; give a whole number from 128 to 10240$/],
    [{ maxConcurrency: 1 }, /^maxConcurrency is 1; give a whole number from 2 to 1000$/],
    [{ maxConcurrency: 2.5 }, /^maxConcurrency is 2.5; give a whole number/],
    [
      { reservedConcurrency: 2 },
      /^reservedConcurrency is 2; give a whole number of at least 3, which is maxConcurrency \+ 1/,
    ],
    [{ maxConcurrency: 10, reservedConcurrency: 10 }, /^reservedConcurrency is 10; .* at least 11,/],
    [{ reservedConcurrency: 3.5 }, /^reservedConcurrency is 3.5; give a whole number/],
    [{ logRetentionDays: 31 }, /^logRetentionDays is 31; give one of 1, 3, 5, 7, 14, 30, /],
    [{ models: [] }, /^models is ""; name at least one of bedrock, openai, scorecard, each at most once$/],
    [{ models: ["bedrock", "bedrock"] }, /^models is "bedrock,bedrock"; name at least one/],
    [{ models: ["scorecard", "bedrock"] }, /^models is "scorecard,bedrock", but .*; put scorecard last$/],
    [{ models: ["bedrock", ""] }, /^models is ""; give one of bedrock, openai, scorecard$/],
    [{ models: ["claude"] }, /^models is "claude"; give one of bedrock, openai, scorecard$/],
    [{ models: ["openai"] }, /^models names openai, but OpenAI is off; set openAi to true/],
    [
      { models: ["bedrock"], openAi: true },
      /^openAi is true, but models does not name openai; add openai to models/,
    ],
    [
      { models: ["scorecard"], bedrockModelId: "amazon.nova-lite-v1:0" },
      /^bedrockModelId is set, but models does not name bedrock; add bedrock to models/,
    ],
    [{ openAiModel: "gpt-6-luna" }, /^openAiModel is set, but OpenAI is off; set openAi to true/],
    [{ openAiSecretArn: SECRET_ARN }, /^openAiSecretArn is set, but OpenAI is off/],
    [
      { channelTopicArns: ["arn:aws:sns:us-east-1:123456789012:a"] },
      /^channelTopicArns is set, but there are no channels/,
    ],
    [{ digestSchedule: "cron(0 7 * * ? *)" }, /^digestSchedule is set, but there are no channels/],
    [
      { digestSchedule: "daily", channelsSecretArn: SECRET_ARN },
      /^digestSchedule is .*; give an expression such as cron/,
    ],
    [{ channelsSecretArn: "[notify.a]" }, /^channelsSecretArn is not an ARN \(its value is not shown/],
    [{ channelsSecretArn: SECRET_ARN.slice(0, -7) }, /^channelsSecretArn is .*; give the complete ARN/],
    [
      { mirrorTableName: "iops-dashboard-insights" },
      /^mirrorTableName is .*, which is the table of insights itself/,
    ],
    [
      { openAi: true, openAiSecretArn: SECRET_ARN.slice(0, -7) },
      /^openAiSecretArn is .*; give the complete ARN of a secret, including the six characters/,
    ],
    [
      { openAi: true, openAiSecretArn: "sk-abc" },
      /^openAiSecretArn is not an ARN \(its value is not shown, .*\); give the complete ARN/,
    ],
    [
      { openAi: true, openAiSecretArn: SECRET_ARN, region: "us-east-1" },
      /^openAiSecretArn is .*, which is not in us-east-1/,
    ],
    [
      { criticalEmails: ["ops at example.com"] },
      /^criticalEmails is "ops at example.com"; give e-mail addresses$/,
    ],
    [{ opsTopicArn: "ops" }, /^opsTopicArn is "ops"; give the ARN of an SNS topic$/],
    [
      { opsTopicArn: "arn:aws:sns:us-east-1:123456789012:ops" },
      /^opsTopicArn is .*, which is not in eu-west-1/,
    ],
    [{ holdout: 5 }, /^holdout is 5; give a share from 0 to 1, such as 0.05$/],
    [{ costAlarmUsdPerDay: 0 }, /^costAlarmUsdPerDay is 0; give a number above 0$/],
  ] as [Json, RegExp][]) {
    assert.throws(
      () => settingsOf({ ...EU, ...props }),
      (error) => error instanceof PropError && sentence.test(error.message),
      String(sentence),
    );
  }
});

test("a wrong file or folder is refused with one sentence that says how to fix it", () => {
  const empty = temporaryFolder();
  const bare = temporaryFolder();
  mkdirSync(path.join(bare, "late_delivery"));
  const copied = temporaryFolder();
  mkdirSync(path.join(copied, "late_delivery"));
  writeFileSync(
    path.join(copied, "late_delivery/alert.toml"),
    'id = "low_health_score"\n[[fact]]\nid = "late_delivery"\n',
  );
  const named = temporaryFolder();
  mkdirSync(path.join(named, "Late Delivery"));
  for (const [props, sentence] of [
    [
      { lambdaZip: "/nowhere/bootstrap.zip" },
      /^lambdaZip \/nowhere\/bootstrap.zip is not an existing zip file; run `make lambda` first/,
    ],
    [{ lambdaZip: empty }, /is not an existing zip file/],
    [{ alertSources: [] }, /^alertSources is empty; name at least one source/],
    [{ alertSources: ["a b"] }, /^alertSources is "a b"; give letters, digits/],
    [{ alertSources: ["iops-dashboard.ai"] }, /^alertSources names iops-dashboard.ai, .*; remove it$/],
    [{ alertTypesDir: "/nowhere" }, /^alertTypesDir \/nowhere is not a folder; give the folder/],
    [{ alertTypesDir: empty }, /contains no alert type; give the folder/],
    [{ alertTypesDir: bare }, /contains late_delivery without an alert.toml; add the file/],
    [{ alertTypesDir: copied }, /alert.toml has another id; write id = "late_delivery" in it$/],
    [{ alertTypesDir: named }, /contains Late Delivery, which is not a valid id; use lower-case letters/],
  ] as [PortendProps, RegExp][]) {
    assert.throws(
      () => new Synthesized(props),
      (error) => error instanceof PropError && sentence.test(error.message),
      String(sentence),
    );
  }
});

test("a prop that is not set has its default", () => {
  const settings = settingsOf(EU);
  assert.deepEqual(settingsOf({ ...EU, memoryMib: undefined, infoEmails: undefined }), settings);
  assert.equal(settings.lambdaZip, "../target/lambda/portend-lambda/bootstrap.zip");
  assert.equal(
    settingsOf({ ...EU, architecture: "arm64" }).lambdaZip,
    "../target/lambda/portend-lambda-arm64/bootstrap.zip",
  );
  assert.deepEqual(settings.models, ["bedrock", "scorecard"]);
  assert.deepEqual(settingsOf({ ...EU, openAi: true }).models, ["bedrock", "openai", "scorecard"]);
  assert.deepEqual(
    [settings.eventBusName, settings.tableName],
    ["iops-dashboard-alerts", "iops-dashboard-insights"],
  );
});

test("one more invocation than maxConcurrency may be reserved", () => {
  assert.equal(settingsOf({ ...EU, reservedConcurrency: 3 }).reservedConcurrency, 3);
  assert.equal(settingsOf(EU).reservedConcurrency, undefined);
});

test("a duplicate address is subscribed once", () => {
  const twice = ["ops@example.com", "lead@example.com", "ops@example.com"];
  assert.deepEqual(settingsOf({ ...EU, warningEmails: twice }).warningEmails, twice.slice(0, 2));
});

test("EVERYTHING sets each prop, except names and the props that it excludes", () => {
  const left = Object.keys(KINDS).filter((name) => !(name in EVERYTHING));
  assert.deepEqual(left, [
    "eventBusName",
    "producerAccountIds",
    "notifyInsights",
    "tableName",
    "lambdaZip",
    "http",
    "httpFeedback",
    "openOriginalApi",
    "httpZip",
  ]);
});
