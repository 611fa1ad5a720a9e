// What every visitor of the page does: arrive, sign in, go somewhere, wait until it shows.

import { mkdir } from "node:fs/promises";
import path from "node:path";

export const READY = 'body[data-ready="true"]';

const SIZES = {
  wide: { width: 1280, height: 800 },
  narrow: { width: 390, height: 844 },
  least: { width: 320, height: 640 },
};

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

/** The page in every size and both themes; nothing may stick out at the side. */
export async function shoot(page, report, title) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    if (size === "least") await lengthen(page);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const wider = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      if (wider > 0) throw new Error(`${title}, ${size}: ${wider} px stick out`);
      await picture(page, report, `${title}-${size}-${colorScheme}`);
    }
  }
}

/** Puts the longest words that the top bar can have into it: a lost stream, far into a log. */
async function lengthen(page) {
  await page.evaluate(() => {
    const live = document.querySelector("[data-live]");
    if (!live) return;
    live.dataset.live = "reconnecting";
    live.querySelector(".live-label").textContent = "Reconnecting";
    const position = live.querySelector(".live-position .number");
    if (position) position.textContent = "#1,234,567";
  });
}
