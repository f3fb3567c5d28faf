// The packages from npm and PyPI: each has a known hash, and none runs code while it is installed.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import { Json, REPOSITORY } from "./harness";

function text(file: string): string {
  return readFileSync(path.join(REPOSITORY, file), "utf8");
}

test("every npm package has a hash, or is part of a package that has one", () => {
  const { "": _, ...packages } = JSON.parse(text("infra/package-lock.json")).packages;
  assert.ok(Object.keys(packages).length > 5);
  for (const [name, { integrity, inBundle }] of Object.entries<Json>(packages)) {
    assert.ok(inBundle === true || /^sha512-/.test(integrity), name);
  }
});

test("npm runs no script of a package", () => {
  assert.match(text("infra/.npmrc"), /^ignore-scripts=true$/m);
  const commands = text("docs/DEPLOY.md").match(/npm ci\b.*/g) ?? [];
  assert.ok(commands.length > 0);
  for (const command of commands) {
    assert.match(command, /^npm ci --ignore-scripts\b/);
  }
});

test("every Python package has a version and hashes, and pip requires them", () => {
  const packages = text("infra/requirements.txt")
    .replace(/^\s*#.*$/gm, "")
    .split(/^(?=\S)/m)
    .filter((requirement) => requirement.trim() !== "");
  assert.ok(packages.length > 5);
  for (const requirement of packages) {
    assert.match(requirement, /^[a-z-]+==[\d.]+ .*\\\n\s+--hash=sha256:[0-9a-f]{64}/);
  }
  assert.match(text("infra/scripts/cfn-lint"), /--require-hashes --only-binary :all: /);
});
