// A dialog gives the keyboard back, keeps what was typed, and says itself what was refused.

import { eventually, signIn, visit } from "../visitor.mjs";

export const name = "a dialog gives back the focus, keeps the draft, and says what was refused";

const PAYLOAD = '{ "a long": "thought" }';

export async function run({ page, base, admin }) {
  await signIn(page, base, admin);
  await visit(page, base, "/tasks");
  const opener = page.locator('[data-action="new-task"]');
  const dialog = page.getByRole("dialog");
  const payload = dialog.getByLabel("Payload", { exact: true });

  await opener.focus();
  await page.keyboard.press("Enter");
  await payload.fill(PAYLOAD);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await eventually("the focus to return", () =>
    opener.evaluate((button) => button === document.activeElement),
  );
  await page.keyboard.press("Enter");
  const kept = await payload.inputValue();
  if (kept !== PAYLOAD) throw new Error(`the draft became ${kept}`);

  // A number to the browser, but none that the form takes: said at its field, not sent.
  const attempts = dialog.getByLabel("Attempts", { exact: true });
  await attempts.fill("1e1");
  await dialog.locator('button[type="submit"]').click();
  await dialog.getByText("whole number").waitFor();
  const described = await attempts.getAttribute("aria-describedby");
  const said = await dialog.locator(`[id="${described}"]`).innerText();
  if (!said.includes("whole number")) throw new Error(`the field is described by ${said}`);
  await attempts.fill("2");

  // What no field can take is said in the dialog, above which nothing else can be seen.
  await page.route("**/api/v1/tasks", (route) =>
    route.request().method() === "POST" ? route.abort() : route.continue(),
  );
  await dialog.locator('button[type="submit"]').click();
  await dialog.getByRole("alert").getByText("cannot be reached").first().waitFor();
  await page.unroute("**/api/v1/tasks");
  await dialog.locator('button[type="submit"]').click();
  await page.waitForURL(/\/tasks\/[0-9a-f-]{36}$/);
  await visit(page, base, "/tasks");
  await opener.click();
  const fresh = await payload.inputValue();
  if (fresh !== "{}") throw new Error(`what became a task is still a draft: ${fresh}`);
}
