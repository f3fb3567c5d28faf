// Every page, light and dark, on a desk and a phone: accessible, small, within the screen. Screenshots are in
// target/screenshots. If PICTURE is set, the picture of the README is written to that file.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { launch, openPage } from "./browser.js";
import { alert, startServer } from "./server.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SCREENSHOTS = new URL("../target/screenshots/", import.meta.url).pathname;
const PAGE_BYTES_MAX = 100 * 1024;
const SCREENS = {
  desk: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};
const PAGES = [
  ["today", () => "/"],
  ["snoozed", () => "/?state=snoozed"],
  ["not-found-in-list", () => "/?find=nobody"],
  ["live", () => "/live"],
  ["insight", (ids) => `/insights/${ids.scorecard}`],
  ["insight-of-a-model", (ids) => `/insights/${ids.model}`],
  ["entity", (ids) => `/entities/${ids.entity}`],
  ["health", () => "/status"],
  ["quality", () => "/quality"],
  ["alert-types", () => "/alert-types"],
  ["alert-type", () => "/alert-types/high_ib_call_frequency?ib_calls_14d=6&health_score=52"],
  ["missing", () => "/insights/nothing"],
];

let full, empty, judged, browser;
const ids = {};
before(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  [full, empty, judged, browser] = await Promise.all([
    startServer({ filled: true }), startServer({}), startServer({ judged: true }), launch(),
  ]);
  const worklist = await (await fetch(`${full.url}/v1/worklist`)).json();
  ids.scorecard = encodeURIComponent(worklist.items[0].alert_id);
  ids.entity = encodeURIComponent(worklist.items[0].entity_id);
  ids.model = encodeURIComponent((await full.post(alert("stu_0418", 9, 41))).alert_id);
  await full.post({ alert_type: "high_ib_call_frequency", entity_id: "stu_1" });
});
after(async () => {
  await browser?.close();
  await Promise.all([full?.stop(), empty?.stop(), judged?.stop()]);
});

async function look(server, name, path, colorScheme, screen) {
  const { page, faults } = await openPage(browser, server.url, { colorScheme, ...SCREENS[screen] });
  const response = await page.goto(path);
  const bytes = (await response.body()).length;
  await page.screenshot({ path: `${SCREENSHOTS}${name}-${screen}-${colorScheme}.png`, fullPage: true });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const serious = violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).slice(0, 3).join(" ")}`);
  // Chromium logs the status of a page that does not exist.
  const found = response.status() < 400 ? faults : faults.filter((fault) => !fault.includes("status of 404"));
  assert.deepEqual(serious, [], "axe-core finds nothing serious");
  assert.deepEqual(found, []);
  assert.ok(bytes < PAGE_BYTES_MAX, `${bytes} bytes`);
  assert.ok(width <= SCREENS[screen].viewport.width, `the page is ${width} pixels wide`);
  await page.context().close();
}

for (const colorScheme of ["light", "dark"]) {
  for (const screen of Object.keys(SCREENS)) {
    for (const [name, path] of PAGES) {
      test(`${name} on a ${screen}, ${colorScheme}`, () => look(full, name, path(ids), colorScheme, screen));
    }
    test(`quality with outcomes on a ${screen}, ${colorScheme}`, () => look(judged, "quality-judged", "/quality", colorScheme, screen));
    for (const [name, path] of [["today", "/"], ["live", "/live"], ["health", "/status"]]) {
      test(`${name} without insights on a ${screen}, ${colorScheme}`, () => look(empty, `${name}-empty`, path, colorScheme, screen));
    }
  }
}

test("the picture of the README", { skip: !process.env.PICTURE }, async () => {
  const { page } = await openPage(browser, full.url, { colorScheme: "light", viewport: { width: 1080, height: 640 } });
  await page.goto("/");
  await page.locator(".pulse[data-on]").waitFor();
  await page.keyboard.press("j");
  await page.screenshot({ path: new URL(`../${process.env.PICTURE}`, import.meta.url).pathname });
});
