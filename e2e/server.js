// Starts the real `portend serve` on a temporary store, with simulated alerts and a scripted model.

import { spawn, execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const PROGRAM = process.env.PORTEND ?? new URL("../target/debug/portend", import.meta.url).pathname;

/** A number that no fact of any alert has. */
export const UNSUPPORTED = "314";

/** What the scripted model replies: one number is not supported by any fact. */
const REPLY = {
  drivers: [{ fact: "ib_calls_14d", effect: "raises", because: "9 inbound support calls in 14 days are many." }],
  risk_score: 88,
  explanation:
    "The family made 9 inbound support calls in the last 14 days, and the health score is 41. " +
    `There are ${UNSUPPORTED} sessions on record.`,
  recommendations: ["Call the family within one working day.", "Review the last sessions with the tutor."],
};

/** A server with the interface of Chat Completions. Its reply is always the same. */
async function startModel() {
  const model = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      const message = { role: "assistant", content: JSON.stringify(REPLY) };
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({
        id: "reply", object: "chat.completion", model: "scripted",
        choices: [{ index: 0, message, finish_reason: "stop" }],
        usage: { prompt_tokens: 612, completion_tokens: 188, total_tokens: 800 },
      }));
    });
  });
  model.unref();
  model.listen(0, "127.0.0.1");
  await once(model, "listening");
  return model;
}

/** An alert of a student with this many calls, as of now. */
export function alert(entityId, calls, health) {
  return {
    alert_type: "high_ib_call_frequency", severity: "warning", entity_id: entityId, entity_type: "student",
    details: { ib_calls_14d: calls, health_score: health },
    message: `Student ${entityId} has ${calls} calls in 14 days`,
    timestamp: new Date().toISOString(),
  };
}

/** Simulated alerts as JSON Lines. The last one is of this moment. */
function simulated(run) {
  const events = run(["simulate", "--entities", "60", "--days", "20"]).trim().split("\n").map((line) => JSON.parse(line));
  // The producer's times have no zone, and are in UTC.
  const time = (event) => Date.parse(event.detail.timestamp.replace(/(Z|[+-]\d\d:\d\d)?$/, (zone) => zone || "Z"));
  const shift = Date.now() - time(events.at(-1));
  for (const event of events) event.detail.timestamp = new Date(time(event) + shift).toISOString();
  return events.map((event) => JSON.stringify(event)).join("\n");
}

/** A running server. `filled` gives it simulated alerts of now, and `judged` past ones with what happened. Call `stop` at the end. */
export async function startServer({ filled, judged }) {
  const folder = mkdtempSync(join(tmpdir(), "portend-e2e-"));
  const model = await startModel();
  const env = { PATH: process.env.PATH, HOME: folder, PORTEND_STORE: join(folder, "portend.db") };
  const run = (args) => execFileSync(PROGRAM, args, { env, cwd: folder, encoding: "utf8", maxBuffer: 2 ** 26, stdio: ["ignore", "pipe", "ignore"] });
  if (filled) {
    writeFileSync(join(folder, "alerts.jsonl"), simulated(run));
    // One at a time, so that what changed since the alert before does not depend on the machine.
    run(["explain", "--concurrency", "1", "alerts.jsonl"]);
  }
  if (judged) {
    const alerts = run(["simulate", "--entities", "300", "--days", "60", "--outcomes", "outcomes.jsonl"]);
    writeFileSync(join(folder, "alerts.jsonl"), alerts);
    run(["explain", "alerts.jsonl"]);
    run(["outcomes", "import", "outcomes.jsonl"]);
  }
  const models = {
    MODELS: "openai,scorecard", OPENAI_MODEL: "scripted", OPENAI_BASE_URL: `http://127.0.0.1:${model.address().port}/v1`,
  };
  const child = spawn(PROGRAM, ["serve", "--listen", "127.0.0.1:0"], {
    env: { ...env, ...models }, cwd: folder, stdio: ["ignore", "ignore", "pipe"],
  });
  process.once("exit", () => child.kill());
  const url = await new Promise((resolve, reject) => {
    const said = [];
    createInterface({ input: child.stderr }).on("line", (line) => {
      said.push(line);
      if (line.startsWith("listening on ")) resolve(line.slice("listening on ".length));
    });
    child.once("exit", () => reject(new Error(`the server did not start: ${said.join("\n")}`)));
  });
  const post = async (event) => {
    const response = await fetch(`${url}/v1/events?wait=true`, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(event),
    });
    return response.json();
  };
  const stop = async () => {
    child.kill("SIGTERM");
    if (child.exitCode === null) await once(child, "exit");
    model.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, post, stop };
}
