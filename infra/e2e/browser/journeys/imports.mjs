// What was imported from this host is found in the page, with where it came from.

import { writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";

import { signIn, visit } from "../visitor.mjs";

export const name = "find imported jobs and resources";

// Another one for each run on the same data.
const WORD = `journey${process.pid}`;
const CRONTAB = `# seen in the page\n41 4 * * 2 true weekly ${WORD}\n@daily true daily ${WORD}\n`;

export async function run({ page, base, admin, api, almanac, scratch }) {
  const file = path.join(scratch, `${WORD}.crontab`);
  await writeFile(file, CRONTAB);
  await almanac("import", "crontab", "--user", file);
  await almanac("import", "inventory");
  await signIn(page, base, admin);
  await jobs(page, base, file);
  await resources(page, base, api);
}

async function jobs(page, base, file) {
  await visit(page, base, `/jobs?q=weekly%20${WORD}`);
  const row = page.locator("[data-job]");
  await row.first().waitFor();
  if ((await row.count()) !== 1) throw new Error(`${await row.count()} jobs fit, not 1`);
  await row.locator('[data-status="paused"]').waitFor();
  await row.getByText("41 4 * * 2").waitFor();
  await row.locator("a").first().click();
  await page.waitForURL(/\/jobs\/[0-9a-f-]{36}$/);
  await page.locator('[data-event^="job.created"]').waitFor();
  await page.locator(".origin", { hasText: `${file}:2` }).waitFor();

  // Resuming is one click, told by the stream, and in the history at once.
  await page.click('[data-action="resume"]');
  await page.waitForSelector('main [data-status="active"]');
  await page.locator('[data-event^="job.resumed"]').waitFor();
  await page.click('[data-action="pause"]');
  const dialog = page.getByRole("dialog");
  await dialog.locator("input").fill("only looked at");
  await dialog.locator('button[type="submit"]').click();
  await page.waitForSelector('main [data-status="paused"]');
  await page.getByText("only looked at").first().waitFor();
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
