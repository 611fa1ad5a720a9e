// Finds a Chromium and starts it so that it speaks to nobody but the page under test.

import { access, constants } from "node:fs/promises";
import path from "node:path";
import process from "node:process";

import { chromium } from "playwright-core";

/** There is no browser on this machine. */
export class NoBrowser extends Error {}

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const FLAGS = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-gpu",
  "--disable-quic",
  "--disable-sync",
  "--no-first-run",
];

export async function launchBrowser() {
  const executablePath = await find();
  // Chromium's own sandbox refuses to run as root.
  const sandbox = process.getuid() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath, headless: true, args: [...FLAGS, ...sandbox] });
}

async function find() {
  const named = process.env.ALMANAC_CHROMIUM;
  if (named) {
    if (await isExecutable(named)) return named;
    throw new NoBrowser(`ALMANAC_CHROMIUM names ${named}, which cannot be run`);
  }
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/bin"];
  for (const name of NAMES) {
    for (const folder of folders) {
      const file = path.join(folder, name);
      if (await isExecutable(file)) return file;
    }
  }
  throw new NoBrowser("no Chromium → apt-get install chromium, or set ALMANAC_CHROMIUM");
}

async function isExecutable(file) {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
