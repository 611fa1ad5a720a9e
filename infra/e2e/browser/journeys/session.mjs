// Signing in lasts beyond a reload, and signing out ends it, for this browser and for its token.

import { READY, signIn, visit } from "../visitor.mjs";

export const name = "stay signed in through a reload, then sign out";

export async function run({ page, context, base, admin }) {
  await visit(page, base, "/jobs");
  await page.locator('input[name="email"]').waitFor();
  await signIn(page, base, admin);
  await page.reload();
  await page.waitForSelector(READY);
  await page.locator(`[data-user="${admin.email}"]`).waitFor();
  const stored = await page.evaluate(() => Object.values({ ...localStorage, ...sessionStorage }));
  if (stored.some((value) => value.startsWith("ey"))) throw new Error("a token is stored");
  const cookies = await context.cookies(`${base}/api/v1/auth`);
  const refresh = cookies.find((cookie) => cookie.name === "almanac_refresh");
  if (!refresh?.httpOnly || refresh.sameSite !== "Strict") {
    throw new Error(`the refresh cookie is ${JSON.stringify(refresh)}`);
  }
  await page.click('[data-action="sign-out"]');
  await page.locator('input[name="email"]').waitFor();
  await page.reload();
  await page.locator('input[name="email"]').waitFor();
}
