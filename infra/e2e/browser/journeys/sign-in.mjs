// A person signs in, opens a task that runs, and sees it turn green without touching the page.

import { READY, mark, signIn, unreloaded, visit } from "../visitor.mjs";

export const name = "sign in and see a task succeed";

export async function run({ page, base, admin, api }) {
  await page.goto(base);
  await page.waitForSelector(READY);
  await page.fill('input[name="email"]', admin.email);
  await page.fill('input[name="password"]', `${admin.password}-wrong`);
  await page.click('button[type="submit"]');
  // The wrong password is said, and what was typed stays.
  await page.getByRole("alert").first().waitFor();
  const typed = await page.inputValue('input[name="email"]');
  if (typed !== admin.email) throw new Error(`the address became ${typed}`);
  await signIn(page, base, admin);

  // Long enough that the page is open before it ends.
  const task = await api("POST", "/tasks", { kind: "sleep", payload: { ms: 3000 } });
  await visit(page, base, `/tasks/${task.id}`);
  const badge = page.locator("main [data-status]").first();
  await badge.waitFor();
  const before = await badge.getAttribute("data-status");
  if (before === "succeeded") throw new Error("the task ended before the page was open");
  await mark(page);
  await page.waitForSelector('main [data-status="succeeded"]');
  await unreloaded(page);
}
