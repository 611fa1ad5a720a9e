// What was imported from this host is found in the page, with where it came from.

import { writeFile } from "node:fs/promises";
import path from "node:path";

import { signIn, visit } from "../visitor.mjs";

export const name = "find imported jobs and resources";

const CRONTAB = "# seen in the page\n41 4 * * 2 true weekly journey\n@daily true daily journey\n";

export async function run({ page, base, admin, api, almanac, scratch }) {
  const file = path.join(scratch, "journey.crontab");
  await writeFile(file, CRONTAB);
  await almanac("import", "crontab", "--user", file);
  await almanac("import", "inventory");
  await signIn(page, base, admin);
  await jobs(page, base, file);
  await resources(page, base, api);
}

async function jobs(page, base, file) {
  await visit(page, base, "/jobs?q=weekly%20journey");
  const row = page.locator("[data-job]");
  await row.first().waitFor();
  if ((await row.count()) !== 1) throw new Error(`${await row.count()} jobs fit, not 1`);
  await row.locator('[data-status="paused"]').waitFor();
  await row.getByText("41 4 * * 2").waitFor();
  await row.locator("a").first().click();
  await page.waitForURL(/\/jobs\/[0-9a-f-]{36}$/);
  await page.locator('[data-event^="job.created"]').waitFor();
  await page.getByText(`${file}:2`).first().waitFor();

  // Resuming is one click, told by the stream, and in the history at once.
  await page.click('[data-action="resume"]');
  await page.waitForSelector('main [data-status="active"]');
  await page.locator('[data-event^="job.resumed"]').waitFor();
  await page.click('[data-action="pause"]');
  await page.waitForSelector('main [data-status="paused"]');
}

async function resources(page, base, api) {
  const { items } = await api("GET", "/resources?type=interface&limit=1");
  const known = items[0];
  if (!known) throw new Error("this host has no network interface");
  await visit(page, base, "/resources");
  // The key that leads to the search field.
  await page.keyboard.press("/");
  await page.keyboard.type(known.name);
  await page.waitForURL((url) => url.searchParams.get("q") === known.name);
  await visit(page, base, `/resources?type=interface&q=${encodeURIComponent(known.name)}`);
  const row = page.locator(`[data-resource="${known.id}"]`);
  await row.getByText("inventory").waitFor();
  await row.locator("a").first().click();
  await page.waitForURL(`**/resources/${known.id}`);
  await page.locator('[data-event^="resource.created"]').waitFor();
}
