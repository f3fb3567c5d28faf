// The function's role: the actions that the code declares, each on its own resources, and no others.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import {
  byDefault,
  CHANNELS_ARN,
  CHANNEL_TOPIC_ARN,
  EVERYTHING,
  Json,
  list,
  refers,
  REPOSITORY,
  roleStatements,
  SECRET_ARN,
  Synthesized,
  withEverything,
} from "./harness";

const NEEDS = JSON.parse(readFileSync(path.join(REPOSITORY, "crates/lambda/needs.json"), "utf8"));

/** The actions that AWS Lambda and X-Ray call with the function's role. The function's code does not call them. */
const RUNTIME_ACTIONS = [
  "logs:CreateLogStream",
  "logs:PutLogEvents",
  "sqs:DeleteMessage",
  "sqs:GetQueueAttributes",
  "sqs:ReceiveMessage",
  "sqs:SendMessage",
  "xray:PutTelemetryRecords",
  "xray:PutTraceSegments",
];

function allowed(stack: Synthesized): string[] {
  return [...new Set(roleStatements(stack).flatMap((statement) => list<string>(statement.Action)))].sort();
}

/** The resources on which an action is allowed. */
function resourcesOf(stack: Synthesized, action: string): Json[] {
  return roleStatements(stack)
    .filter((statement) => list<string>(statement.Action).includes(action))
    .flatMap((statement) => list<Json>(statement.Resource));
}

test("the role allows the actions that the code and its runtime need, and no others", () => {
  const declared = Object.values(NEEDS.actions as Record<string, string[]>).flat();
  assert.deepEqual(allowed(withEverything()), [...declared, ...RUNTIME_ACTIONS].sort());
});

test("the actions of a feature that is off are not allowed", () => {
  const withoutXrayAndOpenAi = allowed(withEverything()).filter(
    (action) => !/^(xray|secretsmanager|sns):/.test(action),
  );
  assert.deepEqual(allowed(byDefault()), withoutXrayAndOpenAi);
  const scorecardOnly = new Synthesized({ models: ["scorecard"] });
  assert.deepEqual(
    allowed(scorecardOnly),
    withoutXrayAndOpenAi.filter((action) => !action.startsWith("bedrock:")),
  );
  const withoutNotifications = new Synthesized({ notifyInsights: false });
  assert.deepEqual(
    allowed(withoutNotifications),
    withoutXrayAndOpenAi.filter((action) => !action.startsWith("events:")),
  );
  assert.ok(!("EVENT_BUS_NAME" in withoutNotifications.only("AWS::Lambda::Function").Environment.Variables));
});

test("the table's actions are allowed on the table, and queries also on its five indexes", () => {
  const table = "arn:aws:dynamodb:eu-west-1:123456789012:table/iops-dashboard-insights";
  const shown = (resource: Json): string =>
    resource["Fn::Join"][1]
      .map((part: Json) => (part.Ref === "AWS::AccountId" ? "123456789012" : part))
      .join("");
  for (const action of NEEDS.actions.dynamodb) {
    const indexes = [
      "AlertIdIndex",
      "PredictionTypeIndex",
      "RiskScoreIndex",
      "TodoIndex",
      "WorklistIndex",
    ].map((name) => `${table}/index/${name}`);
    const mirror = "arn:aws:dynamodb:eu-west-1:123456789012:table/iops-dashboard-metrics";
    const expected =
      action === "dynamodb:Query"
        ? [table, ...indexes]
        : action === "dynamodb:PutItem"
          ? [table, mirror]
          : [table];
    assert.deepEqual(resourcesOf(withEverything(), action).map(shown).sort(), expected.sort(), action);
  }
});

test("events may be put on one bus, and only the named secrets may be read", () => {
  assert.deepEqual(
    resourcesOf(byDefault(), "events:PutEvents").map(refers),
    Object.keys(byDefault().all("AWS::Events::EventBus")),
  );
  assert.deepEqual(resourcesOf(withEverything(), "secretsmanager:GetSecretValue"), [
    SECRET_ARN,
    CHANNELS_ARN,
  ]);
  assert.deepEqual(resourcesOf(withEverything(), "sns:Publish"), [CHANNEL_TOPIC_ARN]);
  const withNewSecret = new Synthesized({ openAi: true });
  assert.deepEqual(
    resourcesOf(withNewSecret, "secretsmanager:GetSecretValue").map(refers),
    Object.keys(withNewSecret.all("AWS::SecretsManager::Secret")),
  );
});

test("this account may put events on the bus, and producer accounts may put alerts", () => {
  const bus = (stack: Synthesized): string[] => Object.keys(stack.all("AWS::Events::EventBus"));
  const allowed = (stack: Synthesized): Json[] =>
    Object.values(stack.all("AWS::Events::EventBusPolicy")).map(({ EventBusName, Statement }) => {
      const { Effect, Action, Resource, Principal, Condition } = Statement;
      assert.deepEqual([Effect, Action], ["Allow", "events:PutEvents"]);
      assert.deepEqual([[refers(EventBusName)], [refers(Resource)]], [bus(stack), bus(stack)]);
      return [Principal.AWS, Condition];
    });
  const thisAccount = [
    { "Fn::Join": ["", ["arn:aws:iam::", { Ref: "AWS::AccountId" }, ":root"]] },
    undefined,
  ];
  assert.deepEqual(allowed(byDefault()), [thisAccount]);
  const producers = ["210987654321", "310987654321"];
  assert.deepEqual(allowed(new Synthesized({ producerAccountIds: producers })), [
    thisAccount,
    [
      producers.map((id) => `arn:aws:iam::${id}:root`),
      {
        "ForAllValues:StringEquals": { "events:source": ["portend.alerts", "iops-dashboard.processor"] },
        Null: { "events:source": "false" },
      },
    ],
  ]);
  assert.deepEqual(allowed(withEverything()), []);
});

test("every ForAllValues condition also requires that the key is present", () => {
  for (const stack of [withEverything(), new Synthesized({ producerAccountIds: ["210987654321"] })]) {
    const conditions = conditionsWithin(stack.template.toJSON()).flatMap((condition) =>
      Object.entries<Json>(condition)
        .filter(([operator]) => operator.startsWith("ForAllValues:"))
        .flatMap(([, keys]) => Object.keys(keys).map((key) => [key, condition.Null?.[key]])),
    );
    assert.ok(conditions.length > 0);
    for (const [key, isNull] of conditions) {
      assert.equal(isNull, "false", key);
    }
  }
});

/** The `Condition` of each statement of a template. */
function conditionsWithin(value: Json): Json[] {
  return value === null || typeof value !== "object"
    ? []
    : Object.entries<Json>(value).flatMap(([key, inner]) =>
        key === "Condition" ? [inner] : conditionsWithin(inner),
      );
}

test("the role may read the alert queue and send to the queue of failed invocations", () => {
  const stack = byDefault();
  const { EventSourceArn } = stack.only("AWS::Lambda::EventSourceMapping");
  const { DestinationConfig } = stack.only("AWS::Lambda::EventInvokeConfig");
  for (const action of ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]) {
    assert.deepEqual(resourcesOf(stack, action), [EventSourceArn], action);
  }
  assert.deepEqual(resourcesOf(stack, "sqs:SendMessage"), [DestinationConfig.OnFailure.Destination]);
});

test("the role has no managed policy, and no policy is attached to it", () => {
  for (const stack of [byDefault(), withEverything()]) {
    assert.equal(stack.only("AWS::IAM::Role").ManagedPolicyArns, undefined);
    stack.template.resourceCountIs("AWS::IAM::Policy", 0);
    stack.template.resourceCountIs("AWS::IAM::ManagedPolicy", 0);
  }
});

test("no action has a wildcard, and only two resources have one", () => {
  const application = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123";
  const stack = new Synthesized({ ...EVERYTHING, bedrockModelId: application });
  const wildcards = roleStatements(stack).flatMap((statement) =>
    list<Json>(statement.Resource)
      .filter((resource) => JSON.stringify(resource).includes("*"))
      .map((resource) => [list(statement.Action).join(), resource, statement.Condition]),
  );
  assert.deepEqual(wildcards, [
    [
      "bedrock:InvokeModel",
      "arn:aws:bedrock:*::foundation-model/*",
      { StringEquals: { "bedrock:InferenceProfileArn": application } },
    ],
    ["xray:PutTelemetryRecords,xray:PutTraceSegments", "*", undefined],
  ]);
  assert.ok(allowed(stack).every((action) => !action.includes("*")));
});
