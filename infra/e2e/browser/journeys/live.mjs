// The overview is told of what happens elsewhere: figures, list and position move by themselves.

import { eventually, mark, signIn, unreloaded } from "../visitor.mjs";

export const name = "watch the overview move";

export async function run({ page, base, admin, api }) {
  await signIn(page, base, admin);
  await page.locator('[data-live="live"]').waitFor();
  const position = async () => {
    const text = await page.locator(".live-position .number").first().innerText();
    return Number(text.replace(/\D/g, ""));
  };
  const before = await position();
  await mark(page);
  const task = await api("POST", "/tasks", { kind: "echo", payload: "seen from afar" });
  await page.locator(`a[href="/tasks/${task.id}"]`).first().waitFor();
  await eventually("the position to move on", async () => (await position()) > before);
  await unreloaded(page);

}
