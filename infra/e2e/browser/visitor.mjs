// What every visitor of the page does: arrive, sign in, go somewhere, wait until it shows.

import { mkdir } from "node:fs/promises";
import path from "node:path";

export const READY = 'body[data-ready="true"]';

/** Signs in through the page and waits for the overview. */
export async function signIn(page, base, { email, password }) {
  await page.goto(base);
  await page.waitForSelector(READY);
  await page.fill('input[name="email"]', email);
  await page.fill('input[name="password"]', password);
  await page.click('button[type="submit"]');
  await page.getByRole("navigation", { name: "Sections" }).waitFor();
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
  await page.waitForSelector(READY);
}

/** Loads a page anew, as from a bookmark. */
export async function visit(page, base, route) {
  await page.goto(base + route);
  await page.waitForSelector(READY);
}

/** Marks the document, so that a reload can be told from an update. */
export async function mark(page) {
  await page.evaluate(() => (window.untouched = true));
}

/** Fails if the document was loaded anew since it was marked. */
export async function unreloaded(page) {
  const untouched = await page.evaluate(() => window.untouched === true);
  if (!untouched) throw new Error("the page was loaded anew instead of being told");
}

/** The picture of the page as it is, under the folder of reports. */
export async function picture(page, report, name) {
  const folder = path.join(report, "pages");
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: false });
}

/** Asks until the answer is truthy, and gives it. */
export async function eventually(what, ask, limitMs = 20_000) {
  const limit = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > limit) throw new Error(`waited in vain for ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}
