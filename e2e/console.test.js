// What a person does on the console: sees an insight arrive, works through the list with the keyboard, reads an insight.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage } from "./browser.js";
import { UNSUPPORTED, alert, startServer } from "./server.js";

let server, browser, insight;
before(async () => {
  server = await startServer({ filled: true });
  insight = (await server.post(alert("stu_marked", 9, 41))).alert_id;
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Runs `steps` on a new page, which must not log an error or ask another host. */
function check(name, settings, steps) {
  test(name, async () => {
    const { page, faults } = await openPage(browser, server.url, settings);
    await steps(page);
    assert.deepEqual(faults, []);
    await page.context().close();
  });
}

const total = async (page) => Number((await page.locator('.tabs a[href="/"]').textContent()).match(/\d+/)?.[0]);
const selected = (page) => page.locator("[data-row][data-at] a.name").textContent();

check("a live insight appears without a reload", {}, async (page) => {
  await page.goto("/live");
  await page.locator(".pulse[data-on]").waitFor();
  await page.evaluate(() => (window.isSamePage = true));
  await server.post(alert("stu_live", 4, 70));
  const row = page.locator(".list .row").first();
  await row.getByText("stu_live", { exact: true }).waitFor();
  assert.ok(await page.evaluate(() => window.isSamePage), "the page was not loaded again");
  await row.locator("a.name").click();
  await page.getByRole("heading", { name: /stu_live/ }).waitFor();
});

check("a live insight waits while the pointer is on the list", {}, async (page) => {
  await page.goto("/live");
  await page.locator(".pulse[data-on]").waitFor();
  await page.locator(".list .row").nth(2).hover();
  const first = await page.locator(".list .row a.name").first().textContent();
  await server.post(alert("stu_waits", 5, 66));
  await page.getByRole("button", { name: "1 new insight" }).waitFor();
  assert.equal(await page.locator(".list .row a.name").first().textContent(), first);
  await page.getByRole("button", { name: "1 new insight" }).click();
  await page.locator(".list .row").first().getByText("stu_waits", { exact: true }).waitFor();
});

check("the list works with the keyboard alone", {}, async (page) => {
  await page.goto("/");
  const names = await page.locator("[data-row] a.name").allTextContents();
  assert.ok(names.length > 3, "the list has rows");
  for (const [key, expected] of [["j", 0], ["j", 1], ["j", 2], ["k", 1], ["k", 0], ["k", 0]]) {
    await page.keyboard.press(key);
    assert.equal(await selected(page), names[expected], `after ${key}`);
  }
  await page.keyboard.press("Enter");
  await page.waitForURL("**/insights/*");
  await page.getByRole("heading", { name: new RegExp(names[0]) }).waitFor();
  await page.keyboard.press("Escape");
  await page.waitForURL(`${server.url}/`);

  const before = await total(page);
  await page.keyboard.press("j");
  await page.keyboard.press("e");
  await page.getByRole("link", { name: `Open ${before - 1}`, exact: true }).waitFor();
  assert.ok(!(await page.locator("[data-row] a.name").allTextContents()).includes(names[0]), "done leaves the list");

  await page.keyboard.press("j");
  const snoozed = await selected(page);
  await page.keyboard.press("s");
  await page.getByRole("link", { name: `Open ${before - 2}`, exact: true }).waitFor();
  await page.getByRole("link", { name: "Snoozed 1" }).click();
  await page.locator("[data-row]").getByText(snoozed, { exact: true }).waitFor();

  await page.goto("/");
  await page.keyboard.press("/");
  await page.keyboard.type(names[3]);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/?find=*");
  assert.deepEqual(await page.locator("[data-row] a.name").allTextContents(), [names[3]]);
  await page.keyboard.press("?");
  assert.ok(await page.locator("#keys").getAttribute("open") !== null, "the list of keys is open");
});

check("an unsupported number is marked, and a supported one leads to its fact", {}, async (page) => {
  await page.goto(`/insights/${encodeURIComponent(insight)}`);
  const marked = page.locator(".say mark");
  assert.equal(await marked.count(), 1);
  assert.equal((await marked.textContent()).trim().slice(0, UNSUPPORTED.length), UNSUPPORTED);
  assert.match(await page.locator(".say").textContent(), /not supported/);
  assert.equal(await marked.evaluate((mark) => getComputedStyle(mark).textDecorationStyle), "wavy");
  await page.locator(".note").getByText(/No fact supports/).waitFor();
  await page.locator(".say a.fact", { hasText: "9" }).click();
  assert.equal(await page.locator("dt:target + dd").evaluate((fact) => fact.firstChild.textContent), "9");
});

check("the bar of the drivers adds up to the score of the table", {}, async (page) => {
  await page.goto("/?find=stu_1");
  const paths = await page.locator("[data-row] a.name").evaluateAll((links) => links.slice(0, 5).map((link) => link.pathname));
  for (const path of [`/insights/${encodeURIComponent(insight)}`, ...paths]) {
    await page.goto(path);
    const points = await page.locator("svg g[data-points]").evaluateAll((parts) => parts.map((part) => Number(part.dataset.points)));
    const words = await page.getByText("points of the scorecard.").textContent();
    const said = Number(words.match(/= (\d+) points of the scorecard/)[1]);
    assert.equal(points.reduce((sum, each) => sum + each, 0), said, `${path}: ${words}`);
    const madeBy = await page.locator("dl.pairs dd").allTextContents();
    if (madeBy.includes("scorecard")) assert.equal(Number(await page.locator(".hero .risk").textContent()), said);
  }
});

check("a recommendation that was done says so", {}, async (page) => {
  await page.goto(`/insights/${encodeURIComponent(insight)}`);
  await page.locator("ol.do button[value=done]").first().click();
  await page.locator("ol.do li").first().locator("span.small").getByText("done").waitFor();
  assert.equal(await page.locator("ol.do span.small").count(), 1);
});

check("the console works without a script", { javaScriptEnabled: false }, async (page) => {
  await page.goto("/");
  const before = await total(page);
  const name = await page.locator("[data-row] a.name").first().textContent();
  await page.locator("[data-row] a.name").first().click();
  await page.getByRole("heading", { name: new RegExp(name) }).waitFor();
  await page.locator("button[data-key=e]").click();
  await page.goto("/");
  assert.equal(await total(page), before - 1);
});
