// The alarms and the dashboard. They read only metrics that the function publishes.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import { byDefault, Json, refers, REPOSITORY, Synthesized, temporaryFolder, withEverything } from "./harness";

const { namespace, names } = JSON.parse(
  readFileSync(path.join(REPOSITORY, "crates/lambda/needs.json"), "utf8"),
).metrics;

function alarms(stack: Synthesized): Record<string, Json> {
  return Object.fromEntries(
    Object.values(stack.all("AWS::CloudWatch::Alarm")).map((alarm) => [
      alarm.AlarmName.replace("PortendStack ", ""),
      alarm,
    ]),
  );
}

/** The metrics of an alarm, whether it reads one metric or an expression over several. */
function metricsOf(alarm: Json): { Namespace: string; MetricName: string }[] {
  return alarm.Metrics === undefined
    ? [alarm]
    : alarm.Metrics.flatMap((each: Json) => each.MetricStat?.Metric ?? []);
}

/** The metric rows of all graphs of the dashboard. Values that CloudFormation inserts are empty. */
function graphRows(stack: Synthesized): Json[] {
  const body = stack.only("AWS::CloudWatch::Dashboard").DashboardBody;
  const text = body["Fn::Join"][1].map((part: Json) => (typeof part === "string" ? part : "")).join("");
  return JSON.parse(text).widgets.flatMap((widget: Json) => widget.properties.metrics ?? []);
}

test("these are the alarms", () => {
  assert.deepEqual(Object.keys(alarms(byDefault())), [
    "oldest message",
    "errors",
    "parked",
    "handed back",
    "degraded",
    "configuration",
    "notify failures",
    "p99 duration",
    "cost per day",
    "unaccounted",
    "unusable replies of bedrock",
    "model ends in 30 days",
    "model ends in 60 days",
    "model ends in 90 days",
    "dead letters of alerts",
    "dead letters of failed invocations",
    "dead letters of notifications",
    "dead letters of rule high_ib_call_frequency",
    "dead letters of rule low_health_score",
    "dead letters of rule supply_demand_imbalance",
    "dead letters of rule Unknown",
    "dead letters of rule OtherSources",
  ]);
});

test("every queue but the alert queue has an alarm", () => {
  const watched = Object.entries(alarms(byDefault()))
    .filter(([name]) => name.startsWith("dead letters"))
    .map(([, alarm]) => alarm.Dimensions[0].Value["Fn::GetAtt"][0]);
  const source = byDefault().only("AWS::Lambda::EventSourceMapping").EventSourceArn["Fn::GetAtt"][0];
  const others = Object.keys(byDefault().all("AWS::SQS::Queue")).filter((queue) => queue !== source);
  assert.deepEqual(watched.sort(), others.sort());
});

test("an alarm has a description, and stays off without data", () => {
  for (const [name, alarm] of Object.entries(alarms(byDefault()))) {
    assert.match(alarm.AlarmDescription, /^[A-Z].+\.$/, name);
    assert.equal(alarm.TreatMissingData, "notBreaching", name);
    assert.equal(alarm.ComparisonOperator, "GreaterThanThreshold", name);
  }
});

test("alarms publish to the topic of opsTopicArn, and to no topic by default", () => {
  for (const alarm of Object.values(alarms(byDefault()))) {
    assert.equal(alarm.AlarmActions, undefined);
  }
  for (const alarm of Object.values(alarms(withEverything()))) {
    assert.deepEqual(
      [alarm.AlarmActions, alarm.OKActions],
      [["arn:aws:sns:eu-west-1:123456789012:ops"], ["arn:aws:sns:eu-west-1:123456789012:ops"]],
    );
  }
});

test("the alarm unaccounted compares received alerts with all outcomes, over two hours", () => {
  const { Metrics, Threshold, EvaluationPeriods } = alarms(withEverything())["unaccounted"];
  assert.equal(
    Metrics[0].Expression,
    "received - (FILL(stored, 0) + FILL(repeated, 0) + FILL(parked, 0) + FILL(handedback, 0))",
  );
  assert.deepEqual([Threshold, EvaluationPeriods], [5, 2]);
  const sums = Metrics.slice(1).map((each: Json) => [
    each.Id,
    each.MetricStat.Metric.MetricName,
    each.MetricStat.Stat,
    each.MetricStat.Period,
  ]);
  assert.deepEqual(
    sums,
    ["Received", "Stored", "Repeated", "Parked", "HandedBack"].map((name) => [
      name.toLowerCase(),
      name,
      "Sum",
      3600,
    ]),
  );
});

test("each model but the scorecard has an alarm for its unusable replies", () => {
  const named = Object.entries(alarms(withEverything())).filter(([name]) => name.startsWith("unusable"));
  assert.deepEqual(
    named.map(([name, { Dimensions, MetricName, Statistic, Threshold }]) => [
      name,
      Dimensions[0].Value,
      MetricName,
      Statistic,
      Threshold,
    ]),
    ["openai", "bedrock"].map((model) => [
      `unusable replies of ${model}`,
      model,
      "UnusablePercent",
      "Average",
      50,
    ]),
  );
});

test("the end of a model sets off one more alarm at 60 and at 30 days", () => {
  const urgencies = [90, 60, 30].map((days) => alarms(byDefault())[`model ends in ${days} days`]);
  assert.deepEqual(
    urgencies.map(({ MetricName, Statistic, Period, Threshold }) => [
      MetricName,
      Statistic,
      Period,
      Threshold,
    ]),
    [0, 1, 2].map((threshold) => ["ModelEndUrgency", "Maximum", 86400, threshold]),
  );
});

test("the cost alarm goes off above costAlarmUsdPerDay", () => {
  const { MetricName, Statistic, Period, Threshold } = alarms(withEverything())["cost per day"];
  assert.deepEqual([MetricName, Statistic, Period, Threshold], ["CostUsd", "Sum", 86400, 2.5]);
});

test("an alert that is handed back sets off two alarms: by its age while SQS counts it, and by its number", () => {
  const { "oldest message": oldest, "handed back": handedBack } = alarms(byDefault());
  const queue =
    byDefault().all("AWS::SQS::Queue")[
      refers(byDefault().only("AWS::Lambda::EventSourceMapping").EventSourceArn)
    ];
  // SQS ignores the age of a message from its third delivery on.
  assert.ok(oldest.Threshold + oldest.Period <= 3 * queue.VisibilityTimeout);
  assert.ok(oldest.Threshold < 2 * queue.VisibilityTimeout);
  // Three alerts that are handed back at each delivery are enough.
  assert.ok(handedBack.Threshold < (3 * handedBack.Period) / queue.VisibilityTimeout);
});

test("an alert type whose id is the name of another queue has an alarm of its own", () => {
  const folder = temporaryFolder();
  for (const id of ["alerts", "notifications"]) {
    mkdirSync(path.join(folder, id));
    writeFileSync(path.join(folder, id, "alert.toml"), `id = "${id}"\n`);
  }
  const names = Object.keys(alarms(new Synthesized({ alertTypesDir: folder })));
  assert.deepEqual(
    names.filter((name) => name.startsWith("dead letters")),
    [
      "alerts",
      "failed invocations",
      "notifications",
      "rule alerts",
      "rule notifications",
      "rule Unknown",
      "rule OtherSources",
    ].map((owner) => `dead letters of ${owner}`),
  );
});

test("every metric of an alarm is published by the function or by AWS", () => {
  for (const [name, alarm] of Object.entries(alarms(byDefault()))) {
    for (const { Namespace, MetricName } of metricsOf(alarm)) {
      assert.ok(
        ["AWS/SQS", "AWS/Lambda"].includes(Namespace) ||
          (Namespace === namespace && names.includes(MetricName)),
        `${name}: ${MetricName}`,
      );
    }
  }
});

test("the dashboard shows exactly the metrics that the function publishes", () => {
  const rows = graphRows(byDefault());
  const plain = rows.filter(([first]) => first === namespace).map(([, name]) => name);
  const searches = rows
    .map(([first]) => first.expression ?? "")
    .filter((expression) => expression.startsWith("SEARCH"));
  const searched = searches.map((expression) => /MetricName="([A-Za-z]+)"/.exec(expression)?.[1]);
  assert.deepEqual([...new Set([...plain, ...searched])].sort(), [...names].sort());
  // These are the dimensions that the function publishes per model.
  assert.deepEqual(
    searches.map((expression) => /'\{(.+)\}/.exec(expression)?.[1]),
    [`${namespace},Model,Class`, `${namespace},Model`, `${namespace},Model`],
  );
});
