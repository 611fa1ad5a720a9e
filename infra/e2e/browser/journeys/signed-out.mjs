// Who signs out while the server is away stays signed out, whatever the server comes back with.

import { eventually, READY, signIn } from "../visitor.mjs";

export const name = "sign out while the server is away";

export async function run({ page, context, base, admin }) {
  await signIn(page, base, admin);
  await context.route("**/api/**", (route) => route.abort());
  await page.click('[data-action="sign-out"]');
  await page.locator('input[name="email"]').waitFor();
  await page.locator("[data-ending]").waitFor();

  // The server is back for everything but the news: its cookie would still sign in.
  await context.unroute("**/api/**");
  await context.route("**/api/v1/auth/logout", (route) => route.abort());
  await page.goto(`${base}/tasks`);
  await page.waitForSelector(READY);
  await page.locator("[data-ending]").waitFor();
  if (!(await refreshCookie(context, base))) throw new Error("there is no cookie to be wary of");

  await context.unroute("**/api/v1/auth/logout");
  await eventually("the server to be told", async () => !(await refreshCookie(context, base)));
  await page.locator("[data-ending]").waitFor({ state: "detached" });
  await signIn(page, base, admin);
  await page.reload();
  await page.locator(`[data-user="${admin.email}"]`).waitFor();
}

async function refreshCookie(context, base) {
  const cookies = await context.cookies(`${base}/api/v1/auth`);
  return cookies.find((cookie) => cookie.name === "almanac_refresh");
}
