// One `almanac dev` for all journeys, on data of its own.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, open, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";

const PROGRAM = process.env.ALMANAC_BIN ?? "almanac";
const READY_LIMIT_MS = 180_000;
const STOP_LIMIT_MS = 30_000;

export class Server {
  /** Starts the binary, or uses one that runs, and waits until it serves. */
  static async start(report) {
    const running = process.env.ALMANAC_DEV_JSON;
    if (running) {
      const state = JSON.parse(await readFile(running, "utf8"));
      return new Server(state, path.dirname(path.resolve(running)));
    }
    const dir = await mkdtemp(path.join(os.tmpdir(), "almanac-browser-"));
    // As root, the database runs under an account that must be able to pass.
    await chmod(dir, 0o711);
    const log = await open(path.join(report, "almanac.log"), "w");
    const data = path.join(dir, "data");
    const args = ["dev", "--data-dir", data, "--port", "0", "--no-open"];
    const child = spawn(PROGRAM, args, { stdio: ["ignore", log.fd, log.fd] });
    await log.close();
    const ended = once(child, "exit").then(([code, signal]) => code ?? signal);
    const state = await ready(path.join(data, "dev.json"), ended);
    return new Server(state, data, { child, ended, dir });
  }

  constructor(state, data, own) {
    this.base = state.gateway.replace(/\/$/, "");
    this.admin = state.admin;
    this.data = data;
    this.own = own;
    /** Where journeys may put files. */
    this.scratch = own?.dir ?? os.tmpdir();
  }

  /** Runs the binary on the same data; what it prints. */
  async almanac(...args) {
    const { stdout } = await promisify(execFile)(PROGRAM, [...args, "--data-dir", this.data]);
    return stdout;
  }

  /** Calls the API as the administrator; the body of the answer. */
  async api(method, route, body, headers = {}) {
    this.token ??= await this.#signIn();
    return this.#call(method, route, body, { authorization: `Bearer ${this.token}`, ...headers });
  }

  /** Holds that the log is whole and that what the page showed is what it says. */
  async prove() {
    for (const proof of [["log", "verify"], ["projections", "verify"]]) {
      await this.almanac(...proof).catch((failure) => {
        const said = [failure.stdout, failure.stderr].join("\n").trim();
        throw new Error(`almanac ${proof.join(" ")} ended with ${failure.code}: ${said}`);
      });
    }
  }

  /** Ends the server it started, and removes its data; fails if its proofs do. */
  async stop() {
    if (!this.own) return;
    try {
      await this.prove();
    } finally {
      await this.#end();
    }
  }

  async #end() {
    const { child, ended, dir } = this.own;
    child.kill("SIGTERM");
    const late = pause(STOP_LIMIT_MS, "late", { ref: false });
    if ((await Promise.race([ended, late])) === "late") child.kill("SIGKILL");
    await ended;
    await rm(dir, { recursive: true, force: true });
  }

  async #signIn() {
    const { email, password } = this.admin;
    return (await this.#call("POST", "/auth/login", { email, password })).access_token;
  }

  async #call(method, route, body, headers = {}) {
    const response = await fetch(`${this.base}/api/v1${route}`, {
      method,
      headers: { "content-type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }
}

/** The content of dev.json as soon as it is there. */
async function ready(file, ended) {
  const limit = performance.now() + READY_LIMIT_MS;
  for (;;) {
    try {
      return JSON.parse(await readFile(file, "utf8"));
    } catch (error) {
      const early = error.code === "ENOENT" || error instanceof SyntaxError;
      if (!early || performance.now() > limit) throw error;
    }
    const end = await Promise.race([ended, pause(100, "waiting")]);
    if (end !== "waiting") throw new Error(`almanac dev ended with ${end} before it was ready`);
  }
}
