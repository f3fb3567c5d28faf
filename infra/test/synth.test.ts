// Runs `npx cdk synth` as a deployer does, with two sets of props, and without a network, an account or a key. The templates
// remain in build/templates, where `npm run lint` checks them with cfn-lint.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, symlinkSync } from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import { byDefault, EVERYTHING, REPOSITORY, temporaryFolder, withEverything, ZIP } from "./harness";

const INFRA = path.join(REPOSITORY, "infra");

/** A folder that CDK treats like `infra/`, but without the deployer's `cdk.context.json`. */
const FOLDER = temporaryFolder();
copyFileSync(path.join(INFRA, "cdk.json"), path.join(FOLDER, "cdk.json"));
symlinkSync(path.join(INFRA, "build"), path.join(FOLDER, "build"));

/** A proxy that does not exist, so that every request fails. */
const NO_NETWORK = "http://127.0.0.1:9";

function cdkSynth(
  output: string,
  context: Record<string, unknown>,
): { status: number | null; stderr: string } {
  const flags = Object.entries(context).flatMap(([name, value]) => ["-c", `${name}=${String(value)}`]);
  // The build command `true` does nothing. A build would replace the files of the running tests.
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

/** The template without its metadata, which contains file paths. */
function withoutMetadata(template: unknown): unknown {
  return JSON.parse(JSON.stringify(template, (key, value) => (key === "Metadata" ? undefined : value)));
}

test("without props, the command line produces the template of the other tests, offline", () => {
  const { status, stderr } = cdkSynth("build/templates/defaults", { region: "us-east-1", lambdaZip: ZIP });
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
  assert.deepEqual(
    withoutMetadata(templateIn("build/templates/defaults")),
    withoutMetadata(byDefault().template.toJSON()),
  );
});

test("with all props as text, the command line produces the same template as with typed props", () => {
  const { status, stderr } = cdkSynth("build/templates/everything", { ...EVERYTHING, lambdaZip: ZIP });
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
  assert.deepEqual(
    withoutMetadata(templateIn("build/templates/everything")),
    withoutMetadata(withEverything().template.toJSON()),
  );
});

test("a wrong prop prints one sentence and no stack trace", () => {
  const { status, stderr } = cdkSynth("build/templates/wrong", {
    region: "us-east-1",
    lambdaZip: ZIP,
    maxConcurrency: 1,
  });
  assert.equal(status, 1);
  const [sentence, ...rest] = stderr.trim().split("\n");
  assert.equal(sentence, "maxConcurrency is 1; give a whole number from 2 to 1000");
  // The CDK command line adds one line.
  assert.equal(rest.length, 1, stderr);
});
