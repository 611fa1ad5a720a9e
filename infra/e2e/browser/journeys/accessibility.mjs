// Every page, in both themes, holds the rules that a machine can check.

import { AxeBuilder } from "@axe-core/playwright";

import { READY, signIn, visit } from "../visitor.mjs";

export const name = "no accessibility violations on any page, light and dark";

const ROUTES = ["/", "/tasks", "/jobs", "/resources", "/workers", "/no-such-page"];
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

export async function run({ page, base, admin, api }) {
  const task = await api("POST", "/tasks", { kind: "echo", payload: { checked: true } });
  const routes = [...ROUTES, `/tasks/${task.id}`];
  for (const list of ["jobs", "resources"]) {
    const { items } = await api("GET", `/${list}?limit=1`);
    if (items.length > 0) routes.push(`/${list}/${items[0].id}`);
  }
  await visit(page, base, "/sign-in");
  await check(page, "/sign-in", "light");
  await signIn(page, base, admin);
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    for (const route of routes) {
      await visit(page, base, route);
      await check(page, route, theme);
    }
    await visit(page, base, "/tasks");
    await page.click('[data-action="new-task"]');
    await page.getByRole("dialog").waitFor();
    await check(page, "/tasks, new task", theme);
  }
}

async function check(page, route, theme) {
  await page.waitForSelector(READY);
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  const found = violations.map(({ id, nodes }) => `${id} at ${nodes[0].target} (${nodes.length})`);
  if (found.length > 0) throw new Error(`${route}, ${theme}: ${found.join("; ")}`);
}
