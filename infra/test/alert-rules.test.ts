// Where the rules send events: alerts to the queue, and insights to a topic.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import { matches } from "./event-pattern";
import { byDefault, Json, refers, REPOSITORY, Synthesized, temporaryFolder, withEverything } from "./harness";

const TYPES = readdirSync(path.join(REPOSITORY, "alert-types"));

function alert(detailType: string): Json {
  const sample = JSON.parse(readFileSync(path.join(REPOSITORY, "test/test-alert.json"), "utf8"));
  return { ...sample, "detail-type": detailType, detail: { ...sample.detail, alert_type: detailType } };
}

function insight(severity: Json): Json {
  return {
    source: "iops-dashboard.ai",
    "detail-type": "insight",
    detail: { alert_id: "a", ...(severity !== undefined && { severity }) },
  };
}

/** The targets of an event on the bus. A topic is named by its display name. */
function targetsOf(synthesized: Synthesized, event: Json): string[] {
  const kinds = {
    ...kindsOf(synthesized, "AWS::SQS::Queue", "queue"),
    ...kindsOf(synthesized, "AWS::SNS::Topic", "topic"),
    ...kindsOf(synthesized, "AWS::Lambda::Function", "lambda"),
  };
  return busRules(synthesized)
    .filter((rule) => matches(rule.EventPattern, event))
    .flatMap((rule) => rule.Targets.map((target: Json) => kinds[refers(target.Arn)] ?? "unknown"));
}

function kindsOf(synthesized: Synthesized, type: string, kind: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(synthesized.all(type)).map(([id, { DisplayName }]) => [id, DisplayName ?? kind]),
  );
}

/** The rules that match events. The other rules have a schedule. */
function busRules(synthesized: Synthesized): Json[] {
  return Object.values(synthesized.all("AWS::Events::Rule")).filter(
    (rule) => rule.EventPattern !== undefined,
  );
}

test("each alert type has a rule to the queue", () => {
  assert.equal(TYPES.length, 3);
  for (const type of TYPES) {
    assert.deepEqual(targetsOf(byDefault(), alert(type)), ["queue"], type);
  }
});

test("an alert of an unknown type goes to the queue too, where it will be parked", () => {
  for (const type of ["low_sleep", "HIGH_IB_CALL_FREQUENCY", "high_ib_call_frequency ", ""]) {
    assert.deepEqual(targetsOf(byDefault(), alert(type)), ["queue"], type);
  }
});

test("an alert of each source has the same rules", () => {
  for (const source of ["portend.alerts", "iops-dashboard.processor"]) {
    assert.deepEqual(targetsOf(byDefault(), { ...alert("low_health_score"), source }), ["queue"], source);
  }
  const other = new Synthesized({ alertSources: ["my-app.alerts", "aws.cloudwatch"] });
  const alarm = { source: "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", detail: {} };
  assert.deepEqual(targetsOf(other, alarm), ["queue"]);
  assert.deepEqual(targetsOf(other, { ...alert("low_health_score"), source: "my-app.alerts" }), ["queue"]);
});

test("an event of another source goes to the queue too, where it will be mapped or parked", () => {
  for (const source of ["aws.ec2", "portend.alert", ""]) {
    assert.deepEqual(targetsOf(byDefault(), { ...alert("low_health_score"), source }), ["queue"], source);
  }
});

test("on the default bus, an event of another source has no target", () => {
  const stack = new Synthesized({ eventBusName: "default", existingEventBus: true });
  assert.deepEqual(targetsOf(stack, { ...alert("low_health_score"), source: "aws.ec2" }), []);
  assert.deepEqual(targetsOf(stack, alert("low_health_score")), ["queue"]);
});

test("a new alert type gets a rule, and the rule for unknown types does not match it", () => {
  const folder = temporaryFolder();
  cpSync(path.join(REPOSITORY, "alert-types"), folder, { recursive: true });
  mkdirSync(path.join(folder, "late_delivery"));
  const score = readFileSync(path.join(folder, "low_health_score/alert.toml"), "utf8");
  writeFileSync(
    path.join(folder, "late_delivery/alert.toml"),
    score.replace('"low_health_score"', '"late_delivery"'),
  );
  const more = new Synthesized({ alertTypesDir: folder });
  assert.equal(busRules(more).length, busRules(byDefault()).length + 1);
  assert.deepEqual(targetsOf(more, alert("late_delivery")), ["queue"]);
  assert.deepEqual(targetsOf(more, alert("unknown_type")), ["queue"]);
});

test("each rule has its own dead-letter queue, and may send to it and to the alert queue", () => {
  const stack = byDefault();
  const rules = busRules(stack).filter((rule) => rule.EventPattern.source[0] !== "iops-dashboard.ai");
  const deadLetters = rules.map((rule) => refers(rule.Targets[0].DeadLetterConfig.Arn));
  assert.equal(new Set(deadLetters).size, TYPES.length + 2);
  for (const rule of rules) {
    const target = rule.Targets[0];
    for (const queue of [refers(target.Arn), refers(target.DeadLetterConfig.Arn)]) {
      assert.ok(
        sendersTo(stack, queue).some((arn) => arn.endsWith(`/${rule.Name}`)),
        `${rule.Name} may send to ${queue}`,
      );
    }
  }
});

function sendersTo(stack: Synthesized, queue: string): string[] {
  return Object.values(stack.all("AWS::SQS::QueuePolicy"))
    .filter((policy) => refers(policy.Queues[0]) === queue)
    .flatMap((policy) => policy.PolicyDocument.Statement)
    .filter((statement) => statement.Effect === "Allow")
    .flatMap((statement) => {
      assert.equal(statement.Principal.Service, "events.amazonaws.com");
      assert.equal(statement.Action, "sqs:SendMessage");
      return statement.Condition.ArnEquals["aws:SourceArn"];
    })
    .map((arn: Json) => (typeof arn === "string" ? arn : (arn["Fn::Join"]?.[1].at(-1) ?? refers(arn))));
}

test("an insight goes to the topic of its severity, and to the warning topic if that is unknown or missing", () => {
  for (const stack of [byDefault(), withEverything()]) {
    for (const [severity, topic] of [
      ["info", "Portend info"],
      ["warning", "Portend warning"],
      ["critical", "Portend critical"],
      ["INFO", "Portend warning"],
      ["catastrophic", "Portend warning"],
      ["", "Portend warning"],
      [undefined, "Portend warning"],
    ]) {
      assert.deepEqual(targetsOf(stack, insight(severity)), [topic], String(severity));
    }
  }
});

test("no event of the function returns to it", () => {
  for (const stack of [byDefault(), withEverything()]) {
    for (const severity of ["info", "warning", "critical", "other", undefined]) {
      const reached = targetsOf(stack, insight(severity));
      assert.ok(!reached.includes("queue") && !reached.includes("lambda"), reached.join());
    }
    // The function may put no other event, not even an insight with the detail-type of an alert.
    const { Condition } = stack
      .only("AWS::IAM::Role")
      .Policies.find((policy: Json) => policy.PolicyName === "InsightEvents").PolicyDocument.Statement[0];
    assert.deepEqual(Condition, {
      "ForAllValues:StringEquals": { "events:source": "iops-dashboard.ai" },
      Null: { "events:source": "false" },
      StringEquals: { "events:detail-type": "insight" },
    });
  }
});

test("an existing bus gets the rules and is not created", () => {
  const stack = withEverything();
  assert.deepEqual(stack.all("AWS::Events::EventBus"), {});
  assert.ok(busRules(stack).every((rule) => rule.EventBusName === "iops-dashboard-alerts"));
});

test("on the default bus, the queue allows rules whose ARN does not name a bus", () => {
  const stack = new Synthesized({ eventBusName: "default", existingEventBus: true });
  const queue = refers(stack.only("AWS::Lambda::EventSourceMapping").EventSourceArn);
  assert.ok(
    sendersTo(stack, queue).includes(":rule/PortendStack-low_health_score"),
    sendersTo(stack, queue).join(),
  );
});

test("the sweep starts every 15 minutes, with the event that the function expects", () => {
  const [sweep, ...more] = Object.values(byDefault().all("AWS::Events::Rule")).filter(
    (rule) => rule.ScheduleExpression !== undefined,
  );
  assert.equal(more.length, 0);
  assert.equal(sweep.ScheduleExpression, "rate(15 minutes)");
  assert.equal(sweep.EventBusName, undefined);
  assert.equal(sweep.Targets[0].Input, '{"portend":"upgrade"}');
});
