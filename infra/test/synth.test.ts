// `npx cdk synth` as a deployer runs it, with two sets of props, without a network, an account or a key. Its templates
// stay in build/templates, where `npm run lint` checks them with cfn-lint.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, symlinkSync } from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import { byDefault, EVERYTHING, REPOSITORY, temporaryFolder, withEverything, ZIP } from "./harness";

const INFRA = path.join(REPOSITORY, "infra");

/** A folder that is as `infra/` to CDK, but for what a deployer may have put into `cdk.context.json`. */
const FOLDER = temporaryFolder();
copyFileSync(path.join(INFRA, "cdk.json"), path.join(FOLDER, "cdk.json"));
symlinkSync(path.join(INFRA, "build"), path.join(FOLDER, "build"));

/** Nothing answers on the discard port of this machine, so that a request to anywhere fails. */
const NO_NETWORK = "http://127.0.0.1:9";

function cdkSynth(
  output: string,
  context: Record<string, unknown>,
): { status: number | null; stderr: string } {
  const flags = Object.entries(context).flatMap(([name, value]) => ["-c", `${name}=${String(value)}`]);
  // The tests' own build serves; a second one would take the first from under them.
  const cdk = [
    path.join(INFRA, "node_modules/aws-cdk/bin/cdk"),
    "synth",
    "--quiet",
    "--build",
    "true",
    "--output",
    path.join(INFRA, output),
    ...flags,
  ];
  return spawnSync(process.execPath, cdk, {
    cwd: FOLDER,
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"],
      HOME: temporaryFolder(),
      HTTP_PROXY: NO_NETWORK,
      HTTPS_PROXY: NO_NETWORK,
      AWS_EC2_METADATA_DISABLED: "true",
    },
  });
}

function templateIn(output: string): unknown {
  return JSON.parse(readFileSync(path.join(INFRA, output, "PortendStack.template.json"), "utf8"));
}

/** A template without what names the files that it came from. */
function withoutMetadata(template: unknown): unknown {
  return JSON.parse(JSON.stringify(template, (key, value) => (key === "Metadata" ? undefined : value)));
}

test("by default it synthesizes offline to the template that the other tests read", () => {
  const { status, stderr } = cdkSynth("build/templates/defaults", { region: "us-east-1", lambdaZip: ZIP });
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
  assert.deepEqual(
    withoutMetadata(templateIn("build/templates/defaults")),
    withoutMetadata(byDefault().template.toJSON()),
  );
});

test("with everything given as text on the command line it is the same as with typed props", () => {
  const { status, stderr } = cdkSynth("build/templates/everything", { ...EVERYTHING, lambdaZip: ZIP });
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
  assert.deepEqual(
    withoutMetadata(templateIn("build/templates/everything")),
    withoutMetadata(withEverything().template.toJSON()),
  );
});

test("a wrong prop gets one sentence and no stack trace", () => {
  const { status, stderr } = cdkSynth("build/templates/wrong", {
    region: "us-east-1",
    lambdaZip: ZIP,
    maxConcurrency: 1,
  });
  assert.equal(status, 1);
  const [sentence, ...rest] = stderr.trim().split("\n");
  assert.equal(sentence, "maxConcurrency is 1; give a whole number from 2 to 1000");
  // CDK's command line adds that the program failed.
  assert.equal(rest.length, 1, stderr);
});
