// The ways in beside address and password of the main tenant: another tenant, a second factor, a
// recovery code, a provider.

import { createHmac } from "node:crypto";

import { READY, shoot, visit } from "../visitor.mjs";

export const name = "sign in to another tenant, with a second factor and without";

const ANN = { email: "ann@acme.example", password: "a good one of hers" };

export async function run({ page, base, api, report }) {
  const administrator = { ...ANN, name: "Ann" };
  await api("POST", "/tenants", { slug: "acme", name: "Acme Ltd", administrator });

  // A provider that nobody has configured: only the links to it are looked at.
  const items = [{ name: "example" }, { name: "another" }];
  const providers = { items, page: { next: null, has_more: false } };
  await page.route("**/api/v1/auth/oidc", (route) => route.fulfill({ json: providers }));
  await visit(page, base, "/sign-in");
  await page.locator("[data-provider]").nth(1).waitFor();
  await shoot(page, report, "sign-in-providers");
  await page.setViewportSize({ width: 1280, height: 800 });

  // The form names a tenant when it is asked to, or when the link does.
  await page.click('[data-action="tenant"]');
  await page.fill('input[name="tenant"]', "acme");
  await shoot(page, report, "sign-in-tenant");
  // What was typed stays when something of it was wrong.
  await page.fill('input[name="email"]', ANN.email);
  await page.fill('input[name="password"]', `${ANN.password}-wrong`);
  await page.click('button[type="submit"]');
  await page.getByRole("alert").first().waitFor();
  const named = await page.inputValue('input[name="tenant"]');
  if (named !== "acme") throw new Error(`the tenant became ${named}`);
  await credentials(page);
  await page.locator(".who-role", { hasText: "Acme Ltd" }).waitFor();
  await shoot(page, report, "tenant");

  const { secret, recovery } = await enrol(base);
  await page.click('[data-action="sign-out"]');
  await page.locator('input[name="email"]').waitFor();
  await visit(page, base, "/sign-in?tenant=acme");
  await credentials(page, 'input[autocomplete="one-time-code"]');
  await shoot(page, report, "second-factor");
  await page.fill('input[name="code"]', "000000");
  await page.click('button[type="submit"]');
  await page.getByRole("alert").first().waitFor();
  await shoot(page, report, "second-factor-wrong");
  await page.fill('input[name="code"]', totp(secret, Date.now() + 30_000));
  await page.click('button[type="submit"]');
  await arrived(page);

  await page.click('[data-action="sign-out"]');
  await page.locator('input[name="email"]').waitFor();
  await visit(page, base, "/sign-in?tenant=acme");
  await credentials(page, 'input[autocomplete="one-time-code"]');
  await page.click('[data-action="recover"]');
  await page.fill('input[name="code"]', recovery);
  await page.click('button[type="submit"]');
  await arrived(page);
}

/** Fills in address and password, and waits for what comes next. */
async function credentials(page, next) {
  await page.fill('input[name="email"]', ANN.email);
  await page.fill('input[name="password"]', ANN.password);
  await page.click('button[type="submit"]');
  if (next) await page.locator(next).waitFor();
  else await arrived(page);
}

async function arrived(page) {
  await page.getByRole("navigation", { name: "Sections" }).waitFor();
  await page.waitForSelector(READY);
}

/** Gives her a second factor, as an authenticator would: its secret, and a recovery code. */
async function enrol(base) {
  const call = async (path, body, token) => {
    const headers = { "content-type": "application/json" };
    if (token) headers.authorization = `Bearer ${token}`;
    const options = { method: "POST", headers, body: JSON.stringify(body) };
    const answer = await fetch(`${base}/api/v1${path}`, options);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const session = await call("/auth/login", { ...ANN, tenant: "acme" });
  const { secret } = await call("/auth/mfa/totp", {}, session.access_token);
  const code = { code: totp(secret, Date.now()) };
  const given = await call("/auth/mfa/totp/confirm", code, session.access_token);
  return { secret, recovery: given.recovery_codes[0] };
}

/** What an authenticator shows at an instant (RFC 6238). */
function totp(secret, atMs) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((c) => letters.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(atMs / 30_000)));
  const mac = createHmac("sha1", key).update(counter).digest();
  const at = mac.at(-1) & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
