// A write whose answer was lost is repeated as the same write; the failure stays until dismissed.

import process from "node:process";

import { signIn, visit } from "../visitor.mjs";

export const name = "repeat a write whose answer was lost";

const KIND = `lost${process.pid}`;

export async function run({ page, context, base, admin, api }) {
  await signIn(page, base, admin);
  await visit(page, base, "/tasks");
  await page.click('[data-action="new-task"]');
  const dialog = page.getByRole("dialog");
  await dialog.locator('[name="kind"]').fill(KIND);
  let lost = 0;
  await context.route("**/api/v1/tasks", async (route) => {
    if (route.request().method() !== "POST" || lost > 0) return route.continue();
    lost += 1;
    // The server does it; nobody hears of it.
    await route.fetch();
    await route.abort();
  });
  const submit = dialog.locator('button[type="submit"]');
  await submit.click();
  const failure = page.locator('.toast[role="alert"]', { hasText: "cannot be reached" });
  await failure.waitFor();
  await submit.click();
  await page.waitForURL(/\/tasks\/[0-9a-f-]{36}$/);

  const { items } = await api("GET", `/tasks?kind=${KIND}`);
  if (lost !== 1 || items.length !== 1) throw new Error(`${items.length} tasks were created`);
  await failure.getByRole("button", { name: "Dismiss" }).click();
  await failure.waitFor({ state: "detached" });
}
