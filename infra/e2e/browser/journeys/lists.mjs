// A person narrows a list, goes on and back: address, fields and links always say the same.

import { eventually, signIn, visit } from "../visitor.mjs";

export const name = "narrow a list, turn its pages, and go back";

const PAGE = 50;

export async function run({ page, base, admin, api }) {
  for (let left = PAGE + 1; left > 0; left -= 1) {
    await api("POST", "/tasks", { kind: "echo", payload: left });
  }
  await eventually("a second page of what succeeded", async () => {
    const { page: info } = await api("GET", `/tasks?status=succeeded&limit=${PAGE}`);
    return info.has_more;
  });
  await signIn(page, base, admin);
  await pages(page, base);
  await fields(page, base);
  await gone(page, base);
}

async function pages(page, base) {
  await visit(page, base, "/tasks");
  const next = page.getByRole("link", { name: "Next page" });
  const asked = async () => new URL(await next.getAttribute("href"), base).searchParams;
  const first = await asked();
  // While the answer to another filter is on its way, the links are those of the rows in sight.
  let answer;
  const held = new Promise((done) => (answer = done));
  await page.route("**/api/v1/tasks?status=succeeded*", async (route) => {
    await held;
    await route.continue();
  });
  await page.getByRole("link", { name: "Succeeded" }).click();
  await page.waitForURL("**/tasks?status=succeeded");
  await page.locator('.view[aria-busy="true"]').waitFor();
  if ((await asked()).has("status")) throw new Error("a cursor is joined with another filter");
  answer();
  await eventually("the links of the new filter", async () => (await asked()).has("status"));
  await next.click();
  await page.getByRole("link", { name: "First page" }).waitFor();
  // A cursor of another list gives way to the first page.
  await page.goto(`${base}/tasks?status=failed&cursor=${first.get("cursor")}`);
  await page.waitForURL("**/tasks?status=failed");
}

async function fields(page, base) {
  await visit(page, base, "/tasks");
  const priority = page.getByLabel("Priority");
  await priority.selectOption("high");
  await priority.selectOption("low");
  await page.waitForURL("**/tasks?priority=low");
  await page.goBack();
  await page.waitForURL("**/tasks?priority=high");
  await eventually("the field to follow", async () => (await priority.inputValue()) === "high");

  // A choice made while typing rests is not undone when the search begins.
  await page.locator("[data-search]").fill("echo");
  await page.getByRole("link", { name: "Dead" }).click();
  await page.waitForURL("**/tasks?status=dead&kind=echo&priority=high");
}

async function gone(page, base) {
  await page.goto(`${base}/tasks/0199a7c2-0000-7000-8000-00000000beef`);
  await page.getByRole("heading", { name: "Not found" }).waitFor();
  await page.getByRole("link", { name: "Show all tasks" }).click();
  await page.waitForURL("**/tasks");
}
