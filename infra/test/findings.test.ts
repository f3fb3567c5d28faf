// The findings of cdk-nag's AwsSolutions rules. Each acknowledged finding has a reason.

import assert from "node:assert/strict";
import * as sqs from "aws-cdk-lib/aws-sqs";
import { Validations } from "aws-cdk-lib";
import { test } from "node:test";
import { checkedApp } from "../lib/app";
import { PortendStack } from "../lib/portend-stack";
import { EVERYTHING, Synthesized, temporaryFolder, ZIP } from "./harness";

/** All acknowledged findings of the stack: the construct, the rule and the reason. */
function acknowledged(synthesized: Synthesized): [where: string, rule: string, reason: string][] {
  return synthesized.stack.node
    .findAll()
    .flatMap((construct) =>
      construct.node.metadata
        .filter((entry) => entry.type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
        .flatMap((entry) =>
          Object.entries(entry.data as Record<string, string>).map(
            ([rule, reason]): [string, string, string] => [
              construct.node.path.replace("PortendStack/", ""),
              rule.replace("Annotation::", ""),
              reason,
            ],
          ),
        ),
    );
}

test("a finding that is not acknowledged stops the synthesis", (t) => {
  // CDK prints the finding, which would look like an error of this test.
  t.mock.method(process.stderr, "write", () => true);
  const app = checkedApp(temporaryFolder());
  const stack = new PortendStack(app, "PortendStack", { region: "us-east-1", lambdaZip: ZIP });
  new sqs.Queue(stack, "Plain");
  assert.throws(() => app.synth(), /Validation failed/);
});

test("only these findings are acknowledged, each with a reason", () => {
  const withNewSecret = new Synthesized({ ...EVERYTHING, openAiSecretArn: undefined });
  const all = acknowledged(withNewSecret);
  assert.deepEqual(
    all.map(([where, rule]) => `${where}: ${rule}`),
    [
      "AI/OpenAi/Secret: AwsSolutions-SMG4",
      "AI/FailedInvocations: AwsSolutions-SQS3",
      "AI/Role: AwsSolutions-IAM5[Resource::*]",
      "Rules/high_ib_call_frequencyDeadLetters: AwsSolutions-SQS3",
      "Rules/low_health_scoreDeadLetters: AwsSolutions-SQS3",
      "Rules/supply_demand_imbalanceDeadLetters: AwsSolutions-SQS3",
      "Rules/UnknownDeadLetters: AwsSolutions-SQS3",
      "Rules/OtherSourcesDeadLetters: AwsSolutions-SQS3",
      "Notifications/DeadLetters: AwsSolutions-SQS3",
    ],
  );
  for (const [where, rule, reason] of all) {
    assert.match(reason, /^[A-Z].{40,}\.$/s, `${where}: ${rule}`);
  }
});
