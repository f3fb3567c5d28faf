// Opens pages in Chromium, and records what no page may do: log an error, or ask another host for anything.

import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** The Chromium of this machine. The variable CHROMIUM names another one. */
function chromiumPath() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const paths = process.env.PATH.split(":").flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const path = paths.find((each) => {
    try {
      accessSync(each, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!path) throw new Error("Chromium is missing; install it, or set CHROMIUM to its path");
  return path;
}

export function launch() {
  // Root cannot have Chromium's sandbox. The pages are our own.
  return chromium.launch({ executablePath: chromiumPath(), args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
}

/** A new page with these settings of a context. `faults` collects errors and requests to other hosts. */
export async function openPage(browser, baseURL, settings = {}) {
  const context = await browser.newContext({ baseURL, viewport: { width: 1280, height: 800 }, ...settings });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults = [];
  page.on("pageerror", (error) => faults.push(`error: ${error}`));
  page.on("console", (message) => message.type() === "error" && faults.push(`console: ${message.text()}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== new URL(baseURL).origin) faults.push(`request to another host: ${url}`);
  });
  return { page, faults };
}
