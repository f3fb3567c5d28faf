// docs/DEPLOY.md says what the stack really has: its props with their defaults, its outputs, its alarms.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import { KINDS } from "../lib/context";
import { DEFAULTS, LAMBDA_ZIP } from "../lib/props";
import { byDefault, REPOSITORY, Synthesized } from "./harness";

const GUIDE = readFileSync(path.join(REPOSITORY, "docs/DEPLOY.md"), "utf8");

/** The rows of the table of props: name and default, as they are written. */
function propRows(): Map<string, string> {
  const start = GUIDE.indexOf("## Props");
  const table = GUIDE.slice(start, GUIDE.indexOf("\n## ", start));
  return new Map(
    [...table.matchAll(/^\| `(\w+)` \| ([^|]*) \|/gm)].map(([, name = "", text = ""]) => [name, text]),
  );
}

test("every prop has its row, in the order of the code, with its default", () => {
  const rows = propRows();
  assert.deepEqual([...rows.keys()], Object.keys(KINDS));
  const defaults = { ...DEFAULTS, lambdaZip: LAMBDA_ZIP.x86_64 };
  for (const [name, value] of Object.entries(defaults)) {
    assert.equal(rows.get(name), Array.isArray(value) ? "none" : `\`${String(value)}\``, name);
  }
});

test("every output that it uses is one of the stack's", () => {
  const outputs = Object.keys(new Synthesized({ openAi: true }).template.toJSON()["Outputs"]);
  const used = [...GUIDE.matchAll(/\$\(output (\w+)\)|^\| `(\w+Urls?)` \|/gm)].map(
    ([, inCommand, inTable]) => inCommand ?? inTable ?? "",
  );
  assert.ok(used.length > 10);
  assert.deepEqual(
    used.filter((name) => !outputs.includes(name)),
    [],
  );
});

test("every alarm that it names is one of the stack's", () => {
  const alarms = Object.values(byDefault().all("AWS::CloudWatch::Alarm")).map(({ AlarmName }) =>
    AlarmName.replace("PortendStack ", ""),
  );
  const rows = [...GUIDE.matchAll(/^\| Alarm (.+?) \|/gm)].flatMap(([, names = ""]) => names.split(", "));
  assert.ok(rows.length > 5);
  for (const name of rows.map((row) => row.replaceAll("`", ""))) {
    assert.ok(
      alarms.some((alarm) => alarm === name || alarm.startsWith(name.replace("...", ""))),
      name,
    );
  }
});

test("every prop in a command or an example is one that there is", () => {
  const given = [...GUIDE.matchAll(/-c (\w+)=/g)].map(([, name = ""]) => name);
  assert.ok(given.length > 20);
  assert.deepEqual(
    given.filter((name) => name !== "name" && !(name in KINDS)),
    [],
  );
});

test("the links within it lead somewhere", () => {
  const headings = [...GUIDE.matchAll(/^## (.+)$/gm)].map(([, text = ""]) =>
    text
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, "")
      .replaceAll(" ", "-"),
  );
  const links = [...GUIDE.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = ""]) => anchor);
  assert.deepEqual(
    links.filter((anchor) => !headings.includes(anchor)),
    [],
  );
});
