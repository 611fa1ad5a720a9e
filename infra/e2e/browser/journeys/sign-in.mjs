// A person signs in, opens a task that runs, and sees it turn green without touching the page.

export const name = "sign in and see a task succeed";

export async function run({ page, base, admin, api }) {
  await page.goto(base);
  await page.waitForSelector('body[data-ready="true"]');
  await page.fill('input[name="email"]', admin.email);
  await page.fill('input[name="password"]', `${admin.password}-wrong`);
  await page.click('button[type="submit"]');
  // The wrong password is said, and what was typed stays.
  await page.getByRole("alert").first().waitFor();
  await page.fill('input[name="password"]', admin.password);
  await page.click('button[type="submit"]');
  await page.getByRole("navigation").first().waitFor();
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));

  // Long enough that the page is open before it ends.
  const task = await api("POST", "/tasks", { kind: "sleep", payload: { ms: 3000 } });
  await page.goto(`${base}/tasks/${task.id}`);
  await page.waitForSelector('body[data-ready="true"]');
  const badge = page.locator("main [data-status]").first();
  await badge.waitFor();
  const before = await badge.getAttribute("data-status");
  if (before === "succeeded") throw new Error("the task ended before the page was open");
  await page.evaluate(() => (window.untouched = true));
  await page.waitForSelector('main [data-status="succeeded"]');
  const untouched = await page.evaluate(() => window.untouched);
  if (!untouched) throw new Error("the page was loaded anew instead of being told");
}
