// The overview is told of what happens elsewhere: figures, list and position move by themselves.

import { eventually, mark, signIn, unreloaded } from "../visitor.mjs";

export const name = "watch the overview move";

const FAR = "2999-01-01T00:00:00Z";

export async function run({ page, base, admin, api }) {
  await signIn(page, base, admin);
  await page.locator('[data-live="live"]').waitFor();
  const number = async (selector) => {
    const text = await page.locator(selector).first().innerText();
    return Number(text.replace(/\D/g, ""));
  };
  const position = () => number(".live-position .number");
  // Nothing that runs by itself is scheduled for later, so this figure is ours.
  const scheduled = () => number('[data-count="scheduled"]');
  const [before, counted] = [await position(), await scheduled()];
  await mark(page);
  const payload = "seen from afar";
  const task = await api("POST", "/tasks", { kind: "echo", payload, not_before: FAR });
  await page.locator(`a[href="/tasks/${task.id}"]`).first().waitFor();
  await eventually("the position to move on", async () => (await position()) > before);
  await eventually("the figure to rise", async () => (await scheduled()) === counted + 1);
  await api("PUT", `/tasks/${task.id}/cancel`, {});
  await eventually("the figure to fall", async () => (await scheduled()) === counted);
  await unreloaded(page);
}
