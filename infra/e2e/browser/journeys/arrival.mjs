// What a first start shows before anybody has imported anything: this machine. Its name lets it be
// walked before the journeys that import.

import { readFile, readdir } from "node:fs/promises";

import { signIn, visit } from "../visitor.mjs";

export const name = "find this machine on the first page anyone sees";

const CRONTABS = ["/etc/crontab"];
const FOLDER = "/etc/cron.d";
/** A line that is a job: it begins with five fields, or with a word for them. */
const JOB = /^\s*(@(?!reboot)[a-z]+|([\d*,/-]+\s+){3}\S+\s+\S+)\s+\S+\s+\S/;

export async function run({ page, base, admin, api }) {
  await signIn(page, base, admin);
  await inventory(page, base, api);
  for (const reference of await scheduled()) await job(page, base, api, reference);
}

/** What this machine is made of, in the list and one by one. */
async function inventory(page, base, api) {
  for (const type of ["host", "interface"]) {
    const [known] = (await api("GET", `/resources?type=${type}&limit=1`)).items;
    if (!known) throw new Error(`the first start has imported no ${type}`);
    await visit(page, base, `/resources?type=${type}`);
    const row = page.locator(`[data-resource="${known.id}"]`);
    await row.getByText("inventory").waitFor();
    await row.locator("a").first().click();
    await page.waitForURL(`**/resources/${known.id}`);
    await page.locator('[data-event^="resource.created"]').waitFor();
  }
}

/** The first job of each crontab of this machine, as `<file>:<line>`; on many there is none. */
async function scheduled() {
  const listed = (await readdir(FOLDER).catch(() => [])).filter((name) => /^[\w-]+$/.test(name));
  const files = [...CRONTABS, ...listed.sort().map((name) => `${FOLDER}/${name}`)];
  const found = [];
  for (const file of files) {
    const lines = (await readFile(file, "utf8").catch(() => "")).split("\n");
    const at = lines.findIndex((line) => JOB.test(line));
    if (at >= 0) found.push(`${file}:${at + 1}`);
  }
  return found;
}

/** A job that came of a crontab: paused, and with where it comes from. */
async function job(page, base, api, reference) {
  const { items } = await api("GET", "/jobs?limit=200");
  const known = items.find((item) => item.origin?.reference === reference);
  if (!known) throw new Error(`the first start has imported no job of ${reference}`);
  await visit(page, base, `/jobs?q=${encodeURIComponent(known.name)}`);
  const row = page.locator("[data-job]", { has: page.locator(`a[href="/jobs/${known.id}"]`) });
  await row.locator('[data-status="paused"]').waitFor();
  await row.locator("a").first().click();
  await page.waitForURL(`**/jobs/${known.id}`);
  await page.locator(".origin", { hasText: reference }).waitFor();
}
