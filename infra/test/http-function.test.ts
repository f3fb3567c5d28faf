// The second function: who may call it, what it may do, and that it is absent by default.

import assert from "node:assert/strict";
import { test } from "node:test";
import { byDefault, Json, list, Synthesized, ZIP } from "./harness";

const iam = (): Synthesized => new Synthesized({ http: "iam", httpZip: ZIP });
const token = (): Synthesized => new Synthesized({ http: "token", httpZip: ZIP, httpFeedback: true });

function role(stack: Synthesized): Json {
  const roles = Object.values(stack.all("AWS::IAM::Role"));
  return roles.find((each) => each.Description === "The permissions of Portend's API and console");
}

function statements(stack: Synthesized): Json[] {
  return role(stack).Policies.flatMap((policy: Json) => policy.PolicyDocument.Statement);
}

function variables(stack: Synthesized): Json {
  const functions = Object.values(stack.all("AWS::Lambda::Function"));
  return functions.find((each) => each.Environment.Variables.PORTEND_ACCESS !== undefined).Environment
    .Variables;
}

test("there is no second function by default", () => {
  assert.equal(Object.keys(byDefault().all("AWS::Lambda::Function")).length, 1);
  assert.deepEqual(byDefault().all("AWS::Lambda::Url"), {});
  assert.deepEqual(byDefault().all("AWS::ApiGatewayV2::Api"), {});
});

test("with iam, only signed requests reach the function URL", () => {
  assert.equal(iam().only("AWS::Lambda::Url").AuthType, "AWS_IAM");
  assert.deepEqual(iam().all("AWS::ApiGatewayV2::Api"), {});
  assert.equal(variables(iam()).PORTEND_ACCESS, "iam");
  assert.ok(!("PORTEND_TOKEN_SECRET" in variables(iam())));
});

test("with token, the function reads a generated token, and the API is throttled", () => {
  const stack = token();
  assert.deepEqual(stack.all("AWS::Lambda::Url"), {});
  assert.equal(variables(stack).PORTEND_ACCESS, "token");
  assert.equal(stack.only("AWS::SecretsManager::Secret").GenerateSecretString.PasswordLength, 40);
  assert.ok(stack.only("AWS::ApiGatewayV2::Stage").DefaultRouteSettings.ThrottlingRateLimit > 0);
});

test("the function only reads; feedback and replay are a separate permission on their own keys", () => {
  const actions = (stack: Synthesized): string[] =>
    [...new Set(statements(stack).flatMap((statement) => list<string>(statement.Action)))].sort();
  const reading = [
    "dynamodb:BatchGetItem",
    "dynamodb:GetItem",
    "dynamodb:Query",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
  ];
  assert.deepEqual(actions(iam()), reading);
  assert.deepEqual(
    actions(token()),
    [
      ...reading,
      "dynamodb:DeleteItem",
      "dynamodb:PutItem",
      "dynamodb:UpdateItem",
      "secretsmanager:GetSecretValue",
      "sqs:SendMessage",
    ].sort(),
  );
  for (const [action, keys] of [
    ["dynamodb:PutItem", ["feedback#*", "entity#*"]],
    ["dynamodb:UpdateItem", ["outcome#*", "parked#*"]],
    ["dynamodb:DeleteItem", ["parked#*"]],
  ] as const) {
    const writing = statements(token()).filter((each) => list<string>(each.Action).includes(action));
    assert.deepEqual(
      writing.map((each) => each.Condition),
      [
        {
          "ForAllValues:StringLike": { "dynamodb:LeadingKeys": keys },
          Null: { "dynamodb:LeadingKeys": "false" },
        },
      ],
    );
  }
  assert.ok("ALERT_QUEUE_URL" in variables(token()));
  assert.ok(!("ALERT_QUEUE_URL" in variables(iam())));
});

test("the address of the console is an output, and the function has its own alarms", () => {
  for (const stack of [iam(), token()]) {
    const outputs = stack.template.toJSON()["Outputs"];
    assert.ok(outputs.ConsoleUrl !== undefined);
    const names = Object.values(stack.all("AWS::CloudWatch::Alarm")).map((alarm) => alarm.AlarmName);
    for (const name of ["console errors", "console throttles"]) {
      assert.ok(names.includes(`PortendStack ${name}`), name);
    }
  }
  assert.ok(token().template.toJSON()["Outputs"].ConsoleTokenSecretArn !== undefined);
});
