// A person watches work: what a task says, what became of a job's slots, and who does it.

import { shoot, signIn, visit } from "../visitor.mjs";

export const name = "watch a task speak, a job keep its slots, and workers work";

export async function run({ page, base, admin, api, report }) {
  const task = await api("POST", "/tasks", { kind: "sleep", payload: { ms: 50 } });
  const later = new Date(Date.now() + 3_600_000).toISOString();
  const held = await api("POST", "/tasks", { kind: "echo", not_before: later });
  const job = await api("POST", "/jobs", {
    name: "watched",
    schedule: { type: "interval", every_ms: 1_000 },
    task: { kind: "echo" },
  });
  await signIn(page, base, admin);
  await visit(page, base, `/tasks/${task.id}`);
  await page.getByRole("log").getByText("waits for 50 ms").waitFor();

  await visit(page, base, `/tasks/${held.id}`);
  await page.locator(".notice", { hasText: "Why it waits" }).waitFor();

  await visit(page, base, `/jobs/${job.id}`);
  await page.locator('[data-slot] [data-status="fired"]').first().waitFor();
  const health = page.getByRole("region", { name: "Health" });
  await health.getByText(/[1-9]\d* succeeded/).waitFor();
  await api("POST", `/jobs/${job.id}/pause`, {});
  await shoot(page, report, "job-watched");
  await page.setViewportSize({ width: 1280, height: 800 });

  await page.getByRole("link", { name: "Workers" }).click();
  await page.waitForURL("**/workers");
  await page.locator("[data-worker]").first().waitFor();
}
