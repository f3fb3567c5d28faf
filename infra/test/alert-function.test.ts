// The function, its environment, its triggers, and its queues.

import assert from "node:assert/strict";
import { Stage } from "aws-cdk-lib";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import {
  byDefault,
  EVERYTHING,
  Json,
  refers,
  REPOSITORY,
  CHANNELS_ARN,
  SECRET_ARN,
  Synthesized,
  temporaryFolder,
  withEverything,
} from "./harness";

const { required, optional } = JSON.parse(
  readFileSync(path.join(REPOSITORY, "crates/lambda/needs.json"), "utf8"),
).environment;

function lambda(stack: Synthesized): Json {
  return stack.only("AWS::Lambda::Function");
}

function variables(stack: Synthesized): Record<string, Json> {
  return lambda(stack).Environment.Variables;
}

test("every required variable is set, and no unknown one", () => {
  for (const stack of [byDefault(), withEverything(), new Synthesized({ models: ["scorecard"] })]) {
    const set = Object.keys(variables(stack));
    assert.deepEqual(
      required.filter((name: string) => !set.includes(name)),
      [],
    );
    assert.deepEqual(
      set.filter((name) => ![...required, ...optional].includes(name)),
      [],
    );
  }
});

test("by default the chain is the region's Bedrock profile, then the scorecard", () => {
  const { DYNAMODB_TABLE_NAME, EVENT_BUS_NAME, ...rest } = variables(byDefault());
  assert.deepEqual([refers(DYNAMODB_TABLE_NAME)], Object.keys(byDefault().all("AWS::DynamoDB::Table")));
  assert.deepEqual([refers(EVENT_BUS_NAME)], Object.keys(byDefault().all("AWS::Events::EventBus")));
  assert.deepEqual(rest, {
    MODELS: "bedrock,scorecard",
    BEDROCK_MODEL_ID: "us.anthropic.claude-haiku-4-5-20251001-v1:0",
  });
});

test("each prop of the function sets its variable", () => {
  assert.deepEqual(variables(withEverything()), {
    DYNAMODB_TABLE_NAME: "iops-dashboard-insights",
    EVENT_BUS_NAME: "iops-dashboard-alerts",
    MIRROR_TABLE_NAME: "iops-dashboard-metrics",
    CHANNELS_SECRET: CHANNELS_ARN,
    HOLDOUT: "0.05",
    MODELS: "openai,bedrock,scorecard",
    BEDROCK_MODEL_ID: "global.anthropic.claude-haiku-4-5-20251001-v1:0",
    OPENAI_API_KEY_SECRET: SECRET_ARN,
    OPENAI_MODEL: "gpt-6-luna",
    ALERT_TYPES_DIR: "/opt/alert-types",
  });
});

test("the template never contains a key, and a new secret has no value", () => {
  const stack = new Synthesized({ openAi: true });
  assert.deepEqual(Object.keys(stack.only("AWS::SecretsManager::Secret")), ["Description"]);
  assert.equal(variables(stack)["MODELS"], "bedrock,openai,scorecard");
  assert.deepEqual(
    [refers(variables(stack)["OPENAI_API_KEY_SECRET"])],
    Object.keys(stack.all("AWS::SecretsManager::Secret")),
  );
  assert.deepEqual(byDefault().all("AWS::SecretsManager::Secret"), {});
  assert.deepEqual(withEverything().all("AWS::SecretsManager::Secret"), {});
  for (const { Environment } of [lambda(stack), lambda(withEverything())]) {
    assert.ok(!("OPENAI_API_KEY" in Environment.Variables));
  }
});

test("the function runs the zip on Amazon Linux 2023, with the memory and timeout of the props", () => {
  const { Runtime, Handler, MemorySize, Timeout, Architectures, TracingConfig, Layers } = lambda(byDefault());
  assert.deepEqual(
    { Runtime, Handler, MemorySize, Timeout, Architectures, TracingConfig, Layers },
    {
      Runtime: "provided.al2023",
      Handler: "bootstrap",
      MemorySize: 256,
      Timeout: 60,
      Architectures: ["x86_64"],
      TracingConfig: undefined,
      Layers: undefined,
    },
  );
  const all = lambda(withEverything());
  assert.deepEqual(
    [all.MemorySize, all.Architectures, all.TracingConfig],
    [512, ["arm64"], { Mode: "Active" }],
  );
});

test("the log has the retention of the props, and is deleted with the stack", () => {
  assert.equal(byDefault().only("AWS::Logs::LogGroup").RetentionInDays, 30);
  assert.equal(withEverything().only("AWS::Logs::LogGroup").RetentionInDays, 365);
  assert.deepEqual(
    [refers(lambda(byDefault()).LoggingConfig.LogGroup)],
    Object.keys(byDefault().all("AWS::Logs::LogGroup")),
  );
  byDefault().template.hasResource("AWS::Logs::LogGroup", { DeletionPolicy: "Delete" });
});

test("the function reads batches of 5, hands back single alerts, and has a maximum concurrency", () => {
  const { BatchSize, FunctionResponseTypes, ScalingConfig } = byDefault().only(
    "AWS::Lambda::EventSourceMapping",
  );
  assert.deepEqual(
    [BatchSize, FunctionResponseTypes, ScalingConfig],
    [5, ["ReportBatchItemFailures"], { MaximumConcurrency: 2 }],
  );
  assert.deepEqual(withEverything().only("AWS::Lambda::EventSourceMapping").ScalingConfig, {
    MaximumConcurrency: 10,
  });
});

test("concurrent invocations are reserved only with reservedConcurrency", () => {
  assert.equal(lambda(byDefault()).ReservedConcurrentExecutions, undefined);
  assert.equal(lambda(withEverything()).ReservedConcurrentExecutions, 11);
});

test("a batch is not delivered again while it is in progress, and at most 20 times in all", () => {
  const queues = byDefault().all("AWS::SQS::Queue");
  const queue = queues[refers(byDefault().only("AWS::Lambda::EventSourceMapping").EventSourceArn)];
  assert.equal(queue.VisibilityTimeout, 6 * lambda(byDefault()).Timeout);
  assert.equal(queue.RedrivePolicy.maxReceiveCount, 20);
  assert.ok(refers(queue.RedrivePolicy.deadLetterTargetArn) in queues);
});

test("every queue has a retention of 14 days, is encrypted without a KMS key, and refuses plain HTTP", () => {
  const queues = byDefault().all("AWS::SQS::Queue");
  const policies = Object.values(byDefault().all("AWS::SQS::QueuePolicy"));
  for (const [id, queue] of Object.entries(queues)) {
    assert.equal(queue.MessageRetentionPeriod, 14 * 24 * 60 * 60, id);
    assert.equal(queue.SqsManagedSseEnabled, true, id);
    assert.equal(queue.KmsMasterKeyId, undefined, id);
    const statements = policies
      .filter((policy) => refers(policy.Queues[0]) === id)
      .flatMap((policy) => policy.PolicyDocument.Statement);
    assert.ok(
      statements.some(
        ({ Effect, Condition }) => Effect === "Deny" && Condition.Bool["aws:SecureTransport"] === "false",
      ),
      id,
    );
  }
});

test("an asynchronous call that fails three times goes to the queue of failed invocations", () => {
  const { MaximumRetryAttempts, DestinationConfig } = byDefault().only("AWS::Lambda::EventInvokeConfig");
  assert.equal(MaximumRetryAttempts, 2);
  assert.ok(refers(DestinationConfig.OnFailure.Destination) in byDefault().all("AWS::SQS::Queue"));
});

test("custom alert types are a layer, and the built-in ones are part of the program", () => {
  const [layer] = Object.values(withEverything().all("AWS::Lambda::LayerVersion"));
  assert.match(layer.Description, /high_ib_call_frequency, low_health_score, supply_demand_imbalance/);
  assert.deepEqual(
    lambda(withEverything()).Layers.map(refers),
    Object.keys(withEverything().all("AWS::Lambda::LayerVersion")),
  );
  assert.deepEqual(byDefault().all("AWS::Lambda::LayerVersion"), {});
});

test("the function can read the files of the layer, even if only their owner can read the originals", () => {
  const folder = temporaryFolder();
  mkdirSync(path.join(folder, "late_delivery"));
  writeFileSync(path.join(folder, "late_delivery/alert.toml"), 'id = "late_delivery"\n', { mode: 0o600 });
  mkdirSync(path.join(folder, "late_delivery/from/shop"), { recursive: true });
  writeFileSync(path.join(folder, "late_delivery/from/shop.toml"), "[match]\n", { mode: 0o600 });
  writeFileSync(path.join(folder, "late_delivery/from/shop/sample.json"), "{}");
  const { outdir } = Stage.of(new Synthesized({ alertTypesDir: folder }).stack)!;
  const staged = readdirSync(outdir, { recursive: true, encoding: "utf8" })
    .filter((name) => ["alert.toml", "shop.toml"].includes(path.basename(name)))
    .map((name) => statSync(path.join(outdir, name)).mode & 0o777);
  assert.ok(staged.length > 1);
  assert.ok(staged.every((mode) => mode === 0o644));
});

test("only the rule of the sweep may invoke the function", () => {
  const { Principal, SourceArn } = byDefault().only("AWS::Lambda::Permission");
  assert.equal(Principal, "events.amazonaws.com");
  const rules = byDefault().all("AWS::Events::Rule");
  assert.equal(rules[refers(SourceArn)].ScheduleExpression, "rate(15 minutes)");
});

test("the same props produce the same template", () => {
  assert.equal(new Synthesized(EVERYTHING).text(), withEverything().text());
});
