// All tabs of a browser are signed in as the same user, or none is; one that nobody looks at keeps
// no stream open.

import process from "node:process";

import { signIn, visit } from "../visitor.mjs";

export const name = "two tabs, two accounts, and a tab out of sight";

const BOB = { email: `bob${process.pid}@almanac.test`, password: "journeys end", name: "Bob" };

export async function run({ page, context, base, admin, api }) {
  await signIn(page, base, admin);
  const other = await context.newPage();
  await visit(other, base, "/jobs");
  await other.locator(`[data-user="${admin.email}"]`).waitFor();

  await page.click('[data-action="sign-out"]');
  await other.locator('input[name="email"]').waitFor();

  await api("POST", "/auth/register", BOB);
  await signIn(page, base, BOB);
  await other.locator(`[data-user="${BOB.email}"]`).waitFor();
  await outOfSight(context, base);
}

async function outOfSight(context, base) {
  const unseen = await context.newPage();
  const streams = [];
  unseen.on("request", (request) => {
    if (request.url().endsWith("/api/v1/stream")) streams.push(request.url());
  });
  await unseen.addInitScript(() => {
    window.unseen = true;
    Object.defineProperty(document, "hidden", { get: () => window.unseen });
  });
  await visit(unseen, base, "/");
  await unseen.locator('[data-live="paused"]').waitFor();
  await unseen.evaluate(() => window.dispatchEvent(new Event("online")));
  if (streams.length > 0) throw new Error("a tab that nobody sees opened a stream");
  await unseen.evaluate(() => {
    window.unseen = false;
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await unseen.locator('[data-live="live"]').waitFor();
}
