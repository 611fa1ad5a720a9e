// Every page in both themes, wide and narrow: kept as pictures, and nothing sticks out at the side.

import { shoot, signIn, visit } from "../visitor.mjs";

export const name = "every page fits, from 320 px on, light and dark";

export async function run({ page, base, admin, api, report }) {
  const first = async (list) => (await api("GET", `/${list}?limit=1`)).items[0]?.id;
  const routes = {
    overview: "/",
    tasks: "/tasks",
    jobs: "/jobs",
    resources: "/resources",
    workers: "/workers",
  };
  for (const list of ["tasks", "jobs", "resources"]) {
    const id = await first(list);
    if (id) routes[list.slice(0, -1)] = `/${list}/${id}`;
  }
  routes.nowhere = "/no-such-page";
  await visit(page, base, "/sign-in");
  await shoot(page, report, "sign-in");
  await signIn(page, base, admin);
  for (const [title, route] of Object.entries(routes)) {
    await visit(page, base, route);
    await shoot(page, report, title);
  }
}
