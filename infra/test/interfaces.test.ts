// What other programs depend on: the table, the outputs, and the topics.

import assert from "node:assert/strict";
import { test } from "node:test";
import { byDefault, EVERYTHING, Json, refers, Synthesized, withEverything } from "./harness";

test("the table has its keys, four indexes, TTL, recovery, deletion protection and on-demand capacity", () => {
  const { AttributeDefinitions, GlobalSecondaryIndexes, ...table } = byDefault().only("AWS::DynamoDB::Table");
  assert.deepEqual(table, {
    TableName: "iops-dashboard-insights",
    KeySchema: [
      { AttributeName: "pk", KeyType: "HASH" },
      { AttributeName: "sk", KeyType: "RANGE" },
    ],
    BillingMode: "PAY_PER_REQUEST",
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    DeletionProtectionEnabled: true,
    TimeToLiveSpecification: { AttributeName: "ttl", Enabled: true },
  });
  const types = Object.fromEntries(
    AttributeDefinitions.map((each: Json) => [each.AttributeName, each.AttributeType]),
  );
  assert.deepEqual(types, {
    pk: "S",
    sk: "S",
    prediction_type: "S",
    timestamp: "S",
    risk_score: "N",
    alert_id: "S",
    todo_day: "S",
    open_shard: "N",
    worst: "N",
  });
  const indexes = GlobalSecondaryIndexes.map((index: Json) => [
    index.IndexName,
    index.KeySchema.map((key: Json) => key.AttributeName).join(),
    index.Projection.ProjectionType,
  ]);
  assert.deepEqual(indexes, [
    ["PredictionTypeIndex", "prediction_type,timestamp", "ALL"],
    ["RiskScoreIndex", "prediction_type,risk_score", "ALL"],
    ["AlertIdIndex", "alert_id", "KEYS_ONLY"],
    ["TodoIndex", "todo_day,timestamp", "KEYS_ONLY"],
    ["WorklistIndex", "open_shard,worst", "ALL"],
  ]);
});

test("the table outlives the stack", () => {
  byDefault().template.hasResource("AWS::DynamoDB::Table", {
    DeletionPolicy: "Retain",
    UpdateReplacePolicy: "Retain",
  });
});

test("an existing table is used by its name and not created", () => {
  const stack = new Synthesized({ existingTable: true, tableName: "existing-insights" });
  assert.deepEqual(stack.all("AWS::DynamoDB::Table"), {});
  assert.equal(
    stack.only("AWS::Lambda::Function").Environment.Variables.DYNAMODB_TABLE_NAME,
    "existing-insights",
  );
});

test("the outputs have the names of the original stack, and with exportNames also its export names", () => {
  const outputs = byDefault().template.toJSON()["Outputs"];
  assert.deepEqual(
    [refers(outputs.AIFunctionName.Value)],
    Object.keys(byDefault().all("AWS::Lambda::Function")),
  );
  assert.deepEqual(
    [refers(outputs.EventBusName.Value)],
    Object.keys(byDefault().all("AWS::Events::EventBus")),
  );
  assert.ok(Object.values(outputs).every((output: Json) => output.Export === undefined));
  const exported = Object.entries<Json>(withEverything().template.toJSON()["Outputs"]).filter(
    ([, output]) => output.Export !== undefined,
  );
  assert.deepEqual(
    exported.map(([name, output]) => [name, output.Export.Name]),
    [
      ["AIFunctionName", "IOpsDashboard-AIFunctionName"],
      ["EventBusName", "IOpsDashboard-EventBusName"],
    ],
  );
});

test("the table, the queues and the topics are outputs", () => {
  const names = Object.keys(byDefault().template.toJSON()["Outputs"]);
  for (const name of [
    "TableName",
    "AlertQueueUrl",
    "AlertDeadLettersUrl",
    "RuleDeadLettersUrls",
    "FailedInvocationsUrl",
    "InfoTopicArn",
    "WarningTopicArn",
    "CriticalTopicArn",
  ]) {
    assert.ok(names.includes(name), name);
  }
});

test("the topics are encrypted with a key that EventBridge may use, and refuse plain HTTP", () => {
  const [[keyId, key]] = Object.entries(byDefault().all("AWS::KMS::Key")) as [[string, Json]];
  assert.equal(key.EnableKeyRotation, true);
  const forEvents = key.KeyPolicy.Statement.find(
    (statement: Json) => statement.Principal.Service === "events.amazonaws.com",
  );
  assert.deepEqual(forEvents.Action, ["kms:Decrypt", "kms:GenerateDataKey*"]);
  const topics = byDefault().all("AWS::SNS::Topic");
  assert.equal(Object.keys(topics).length, 3);
  for (const [id, topic] of Object.entries(topics)) {
    assert.equal(refers(topic.KmsMasterKeyId), keyId);
    const policy = Object.values(byDefault().all("AWS::SNS::TopicPolicy")).find(
      (each) => refers(each.Topics[0]) === id,
    );
    const [deny, allow] = policy.PolicyDocument.Statement;
    assert.equal(deny.Condition.Bool["aws:SecureTransport"], "false");
    assert.deepEqual(
      [allow.Action, allow.Principal, allow.Condition],
      ["sns:Publish", { Service: "events.amazonaws.com" }, undefined],
    );
  }
});

test("an insight is sent to the addresses of its severity", () => {
  const topics = withEverything().all("AWS::SNS::Topic");
  const mail = Object.values(withEverything().all("AWS::SNS::Subscription")).map(
    ({ Protocol, Endpoint, TopicArn }) => [Protocol, topics[refers(TopicArn)].DisplayName, Endpoint],
  );
  assert.deepEqual(mail.sort(), [
    ["email", "Portend critical", "critical@example.com"],
    ["email", "Portend info", "info@example.com"],
    ["email", "Portend warning", "second@example.com"],
    ["email", "Portend warning", "warning@example.com"],
  ]);
  assert.equal(
    new Synthesized({ ...EVERYTHING, infoEmails: [], warningEmails: [], criticalEmails: [] })
      .text()
      .includes("Subscription"),
    false,
  );
});
