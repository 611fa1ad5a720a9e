// Journeys through the page: a real browser, the real binary, real servers.
//
// Every file in journeys/ exports `name` and `run({ page, context, base, admin, api, almanac,
// report, scratch })`: `api(method, path, body)` asks as the administrator, `almanac(...args)` runs
// the binary on the same data, `report` and `scratch` are folders to keep and to forget. They are
// walked in the order of their names; after the last, `almanac log verify` and `almanac projections
// verify` must hold, which counts as one more. The last line printed is "N passed, N failed"; exit
// code 77 with a reason means that nothing could be run.
// ALMANAC_BIN names the binary, or ALMANAC_DEV_JSON the file of an `almanac dev` that runs already.

import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

import { launchBrowser, NoBrowser } from "./chromium.mjs";
import { Server } from "./server.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const REPORT = process.env.ALMANAC_BROWSER_REPORT ?? path.join(HERE, "report");
const SKIPPED = 77;
const STEP_LIMIT_MS = 20_000;

async function main() {
  const files = (await readdir(path.join(HERE, "journeys"))).filter((f) => f.endsWith(".mjs"));
  const only = process.argv[2];
  const chosen = files.sort().filter((file) => !only || file.includes(only));
  if (chosen.length === 0) return skip("no journey of that name");
  let browser;
  try {
    browser = await launchBrowser();
  } catch (error) {
    if (error instanceof NoBrowser) return skip(error.message);
    throw error;
  }
  await mkdir(REPORT, { recursive: true });
  const server = await Server.start(REPORT);
  let failed = 0;
  try {
    for (const file of chosen) {
      const journey = await import(path.join(HERE, "journeys", file));
      failed += (await walk(browser, server, journey)) ? 0 : 1;
    }
  } finally {
    await browser.close();
    failed += (await ended(server)) ? 0 : 1;
  }
  console.log(`${chosen.length + 1 - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** Ends the server; whether what it has kept is what it had shown. */
async function ended(server) {
  try {
    await server.stop();
    console.log("ok the log is whole, and the read models are what it says");
    return true;
  } catch (problem) {
    console.log(`FAILED the end of the server\n${problem.stack}`);
    return false;
  }
}

/** Runs one journey in a context of its own; whether it went well. */
async function walk(browser, server, journey) {
  const started = performance.now();
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  context.setDefaultTimeout(STEP_LIMIT_MS);
  const page = await context.newPage();
  const complaints = listen(page);
  let problem;
  try {
    const { base, admin, scratch } = server;
    const api = (...call) => server.api(...call);
    const almanac = (...args) => server.almanac(...args);
    await journey.run({ page, context, base, admin, api, almanac, report: REPORT, scratch });
    if (complaints.length > 0) throw new Error(`the page complained: ${complaints.join("; ")}`);
  } catch (error) {
    problem = error;
    await page.screenshot({ path: path.join(REPORT, `${slug(journey.name)}.png`) }).catch(() => {});
  }
  await context.close();
  const took = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${problem ? "FAILED" : "ok"} ${journey.name} ${took}s`);
  if (problem) {
    console.log(problem.stack ?? String(problem));
    for (const complaint of complaints) console.log(`page: ${complaint}`);
    console.log(`screenshot and server log: ${REPORT}`);
  }
  return !problem;
}

/** Collects what goes wrong inside the page, violations of its Content-Security-Policy included. */
function listen(page) {
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // A refused sign-in is an error to the browser, not to the page.
    const network = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !network) complaints.push(message.text());
  });
  return complaints;
}

function skip(reason) {
  console.log(reason);
  return SKIPPED;
}

function slug(name) {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}

process.exitCode = await main();
