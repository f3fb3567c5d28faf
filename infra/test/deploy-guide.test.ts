// docs/DEPLOY.md agrees with the stack: the props and their defaults, the outputs, and the alarms.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { test } from "node:test";
import { KINDS } from "../lib/context";
import { DEFAULTS, HTTP_ZIP, LAMBDA_ZIP } from "../lib/props";
import { byDefault, Json, REPOSITORY, Synthesized, ZIP } from "./harness";

const GUIDE = readFileSync(path.join(REPOSITORY, "docs/DEPLOY.md"), "utf8");

/** The table of props: the name and the default of each row, as text. */
function propRows(): Map<string, string> {
  const start = GUIDE.indexOf("## Props");
  const table = GUIDE.slice(start, GUIDE.indexOf("\n## ", start));
  return new Map(
    [...table.matchAll(/^\| `(\w+)` \| ([^|]*) \|/gm)].map(([, name = "", text = ""]) => [name, text]),
  );
}

test("the table of props has every prop with its default, in the order of the code", () => {
  const rows = propRows();
  assert.deepEqual([...rows.keys()], Object.keys(KINDS));
  const defaults = { ...DEFAULTS, lambdaZip: LAMBDA_ZIP.x86_64, httpZip: HTTP_ZIP.x86_64 };
  for (const [name, value] of Object.entries(defaults)) {
    const isNone = Array.isArray(value) && value.length === 0;
    assert.equal(rows.get(name), isNone ? "none" : `\`${String(value)}\``, name);
  }
});

test("every output in the guide exists", () => {
  const outputs = Object.keys(
    new Synthesized({ openAi: true, http: "token", httpZip: ZIP }).template.toJSON()["Outputs"],
  );
  const used = [...GUIDE.matchAll(/\$\(output (\w+)\)|^\| `(\w+Urls?)` \|/gm)].map(
    ([, inCommand, inTable]) => inCommand ?? inTable ?? "",
  );
  assert.ok(used.length > 10);
  assert.deepEqual(
    used.filter((name) => !outputs.includes(name)),
    [],
  );
});

test("every alarm in the guide exists, and their number is right", () => {
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
  assert.ok(GUIDE.includes(`| alarms | ${alarms.length} alarms over `));
});

test("every prop in a command exists", () => {
  const used = [...GUIDE.matchAll(/-c (\w+)=/g)].map(([, name = ""]) => name);
  assert.ok(used.length > 20);
  assert.deepEqual(
    used.filter((name) => name !== "name" && !(name in KINDS)),
    [],
  );
});

test("the indexes that the guide creates are the stack's", () => {
  const created = [...GUIDE.matchAll(/"Create": \{"IndexName": "(\w+)"[^;`]*?"ProjectionType": "(\w+)"/g)];
  const indexes = byDefault()
    .only("AWS::DynamoDB::Table")
    .GlobalSecondaryIndexes.map((index: Json) => [index.IndexName, index.Projection.ProjectionType]);
  // The original handler's table has the others.
  const original = ["PredictionTypeIndex", "RiskScoreIndex"];
  assert.deepEqual(
    [...created.map(([, name]) => name), ...original].sort(),
    indexes.map((index: Json) => index[0]).sort(),
  );
  for (const [, name, projection] of created) {
    assert.ok(
      indexes.some((index: Json) => index[0] === name && index[1] === projection),
      name,
    );
  }
});

test("every link to a heading has its heading", () => {
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
