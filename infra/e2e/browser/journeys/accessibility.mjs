// Every page, in both themes, holds the rules that a machine can check.

import { AxeBuilder } from "@axe-core/playwright";

export const name = "no accessibility violations on any page, light and dark";

const ROUTES = ["/", "/tasks", "/jobs", "/resources", "/no-such-page"];
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

export async function run({ page, base, admin, api }) {
  const task = await api("POST", "/tasks", { kind: "echo", payload: { checked: true } });
  await page.goto(base);
  await check(page, "/sign-in", "light");
  await page.fill('input[name="email"]', admin.email);
  await page.fill('input[name="password"]', admin.password);
  await page.click('button[type="submit"]');
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    for (const route of [...ROUTES, `/tasks/${task.id}`]) {
      await page.goto(base + route);
      await check(page, route, theme);
    }
  }
}

async function check(page, route, theme) {
  await page.waitForSelector('body[data-ready="true"]');
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  const found = violations.map(({ id, nodes }) => `${id} at ${nodes[0].target} (${nodes.length})`);
  if (found.length > 0) throw new Error(`${route}, ${theme}: ${found.join("; ")}`);
}
