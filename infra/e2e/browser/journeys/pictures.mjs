// Every page in both themes, wide and narrow: kept as pictures, and nothing sticks out at the side.

import { picture, signIn, visit } from "../visitor.mjs";

export const name = "every page fits, from 320 px on, light and dark";

const SIZES = {
  wide: { width: 1280, height: 800 },
  narrow: { width: 390, height: 844 },
  least: { width: 320, height: 640 },
};

export async function run({ page, base, admin, api, report }) {
  const first = async (list) => (await api("GET", `/${list}?limit=1`)).items[0]?.id;
  const routes = { overview: "/", tasks: "/tasks", jobs: "/jobs", resources: "/resources" };
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

async function shoot(page, report, title) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    if (size === "least") await lengthen(page);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const wider = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      if (wider > 0) throw new Error(`${title}, ${size}: ${wider} px stick out`);
      await picture(page, report, `${title}-${size}-${colorScheme}`);
    }
  }
}

/** Puts the longest words that the top bar can have into it: a lost stream, far into a log. */
async function lengthen(page) {
  await page.evaluate(() => {
    const live = document.querySelector("[data-live]");
    if (!live) return;
    live.dataset.live = "reconnecting";
    live.querySelector(".live-label").textContent = "Reconnecting";
    const position = live.querySelector(".live-position .number");
    if (position) position.textContent = "#1,234,567";
  });
}
