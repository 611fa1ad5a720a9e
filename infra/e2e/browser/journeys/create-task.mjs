// A person creates a task in the page and sees it turn green, told by the stream alone.

import { mark, signIn, unreloaded } from "../visitor.mjs";

export const name = "create a task and see it turn green";

// The newest first.
const STORY = ["task.succeeded.v1", "task.started.v1", "task.created.v1"];

export async function run({ page, base, admin, api }) {
  await signIn(page, base, admin);
  await page.getByRole("navigation", { name: "Sections" }).getByText("Tasks").click();
  await page.waitForURL("**/tasks");
  await mark(page);

  await page.click('[data-action="new-task"]');
  const dialog = page.getByRole("dialog");
  await dialog.locator('[name="kind"]').fill("sleep");
  await dialog.locator('[name="payload"]').fill("{ not JSON");
  await dialog.locator('button[type="submit"]').click();
  // What cannot be taken is said beside the field, and the form stays.
  await dialog.getByRole("alert").waitFor();
  for (const [field, typed] of [["kind", "sleep"], ["payload", "{ not JSON"]]) {
    const value = await dialog.locator(`[name="${field}"]`).inputValue();
    if (value !== typed) throw new Error(`${field} became ${value}`);
  }
  await dialog.locator('[name="payload"]').fill('{ "ms": 1500 }');
  await dialog.locator('[name="priority"]').selectOption("high");
  await dialog.locator('button[type="submit"]').click();

  await page.waitForURL(/\/tasks\/[0-9a-f-]{36}$/);
  await page.waitForSelector('main [data-status="succeeded"]');
  await unreloaded(page);
  const entries = page.locator("[data-event]");
  await entries.nth(STORY.length - 1).waitFor();
  const told = await entries.evaluateAll((all) => all.map((entry) => entry.dataset.event));
  if (told.join() !== STORY.join()) throw new Error(`the timeline tells ${told}`);
  const created = entries.last();
  await created.getByText("You", { exact: true }).waitFor();
  if (await created.locator("pre").count()) throw new Error("what is folded is laid out");
  await created.locator("summary").click();
  await created.getByText("1500").waitFor();

  const task = await api("GET", `/tasks/${page.url().split("/").pop()}`);
  if (task.priority !== "high" || task.status !== "succeeded") {
    throw new Error(`the API shows another task: ${JSON.stringify(task)}`);
  }
  // It is in the list that the address asks for, and not in the others.
  await page.goto(`${base}/tasks?status=succeeded&kind=sleep`);
  await page.locator(`a[href="/tasks/${task.id}"]`).first().waitFor();
  await page.goto(`${base}/tasks?status=dead&kind=sleep`);
  await page.getByText("No task fits").waitFor();
}
