// Signing in to the console by way of a real provider, and by way of one that lies.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import OpenAI from "openai";
import { binary, start } from "../sdk/node/stockade.mjs";
import { Browser, startProvider } from "./provider.mjs";
import { forge, makeKey, startIssuer } from "./forge.mjs";

const skip = binary ? false : "STOCKADE_BIN does not name the binary";
const SECRET = "a secret: with / and % of tests";
const roles = '{ admins = "admin", operators = "operator", auditors = "auditor", everyone = "viewer" }';
let provider;
let server;

const config = (issuer, client = "console") => `
[identity.console]
name = "corp"
issuer = "${issuer}"
client_id = "${client}"
client_secret = "env:CONSOLE_SECRET"
roles_claim = "console"
roles = ${roles}
`;

before(async () => {
  if (skip) return;
  provider = await startProvider();
  server = await start(config(provider.issuer), { variables: { CONSOLE_SECRET: SECRET } });
  provider.register({
    client_id: "console", client_secret: SECRET, redirect_uris: [`${server.console}/signin/callback`],
    grant_types: ["authorization_code"], response_types: ["code"],
  });
});
after(async () => {
  await server?.stop();
  await provider?.stop();
});

/** Goes to the provider and comes back, up to the address that it comes back to. */
async function away(browser, person, site = server) {
  provider.state.person = person;
  return (await browser.follow(`${site.console}/signin/provider`, `${site.console}/signin/callback`)).href;
}

async function signIn(person) {
  const browser = new Browser();
  const answer = await browser.get(await away(browser, person));
  return { browser, answer, text: await answer.text() };
}

test("a person signs in, with the role of the claim", { skip }, async () => {
  const page = await (await fetch(`${server.console}/signin`)).text();
  assert.match(page, /Sign in with corp/);
  const { browser, answer } = await signIn("root");
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("refresh"), "0; url=/");
  const cookie = answer.headers.getSetCookie().find((line) => line.startsWith("stockade="));
  assert.match(cookie, /; HttpOnly; SameSite=Strict$/);
  assert.equal((await browser.get(`${server.console}/`)).status, 200);
  assert.equal((await browser.get(`${server.console}/api/v1/status`)).status, 200);
  const signins = server.events().filter((event) => event.type === "admin" && event.action === "signin");
  const mine = signins.find((event) => event.detail.role === "admin");
  assert.match(mine.actor, /^person:[0-9a-f]{16}$/);
  assert.equal(mine.detail.provider, "corp");
});

test("roles see what they may", { skip }, async () => {
  const client = new OpenAI({ baseURL: server.baseURL, apiKey: server.apiKey });
  const asked = await client.chat.completions.create({ model: "sandbox", messages: [{ role: "user", content: "say exactly: the tide is out" }] });
  await server.outcome(asked._request_id);
  const seen = async (person) => {
    const { browser } = await signIn(person);
    const list = await browser.get(`${server.console}/api/v1/requests`);
    assert.equal(list.status, 200, person);
    const one = await browser.get(`${server.console}/api/v1/requests/${asked._request_id}`);
    const page = await (await browser.get(`${server.console}/requests/${asked._request_id}`)).text();
    return [(await one.text()).includes("tide is out"), page.includes("tide is out")];
  };
  assert.deepEqual(await seen("root"), [true, true]);
  assert.deepEqual(await seen("alice"), [false, false]);
  assert.deepEqual(await seen("eve"), [false, false]);
  const looks = server.events().filter((event) => event.type === "admin" && /^person:/.test(event.actor) && /view|text/.test(event.action));
  assert.equal(looks.length, 2, JSON.stringify(looks));
});

test("a person without a role is turned away, and that is recorded", { skip }, async () => {
  const { browser, answer, text } = await signIn("bob");
  assert.equal(answer.status, 403);
  assert.match(text, /no role/);
  assert.equal(browser.jar(server.console).has("stockade"), false);
  assert.ok(server.events().some((event) => event.action === "signin.refused" && /^person:/.test(event.actor)));
});

test("an answer is good once, in the browser that asked, as it was sent", { skip }, async () => {
  const refused = async (browser, url) => {
    const answer = await browser.get(url);
    assert.equal(browser.jar(server.console).has("stockade"), false, url);
    return answer.status;
  };
  let browser = new Browser();
  let back = await away(browser, "root");
  assert.equal(await refused(new Browser(), back), 403, "another browser");
  assert.equal((await browser.get(back)).status, 200);
  browser.jar(server.console).delete("stockade");
  assert.equal(await refused(browser, back), 403, "a second time");
  for (const change of [
    (url) => url.searchParams.set("state", "x".repeat(43)),
    (url) => url.searchParams.delete("state"),
    (url) => url.searchParams.append("state", url.searchParams.get("state")),
    (url) => url.searchParams.set("iss", "https://evil.example"),
    (url) => url.searchParams.delete("iss"),
    (url) => url.searchParams.delete("code"),
    (url) => url.searchParams.append("code", "x"),
    (url) => url.searchParams.set("error", "access_denied"),
  ]) {
    browser = new Browser();
    const url = new URL(await away(browser, "root"));
    change(url);
    assert.equal(await refused(browser, url.href), 403, String(change));
  }
  browser = new Browser();
  back = new URL(await away(browser, "root"));
  back.searchParams.set("code", "made-up");
  assert.equal(await refused(browser, back.href), 503, "a code that the provider does not know");
  // One login's answer in another login's browser.
  const [one, other] = [new Browser(), new Browser()];
  const [mine] = [await away(one, "root"), await away(other, "root")];
  assert.equal(await refused(other, mine), 403);
});

test("the provider says no", { skip }, async () => {
  provider.state.refuses = true;
  const { answer, text } = await signIn("alice");
  provider.state.refuses = false;
  assert.equal(answer.status, 403);
  assert.match(text, /did not sign you in/);
});

test("signing out ends the session", { skip }, async () => {
  const { browser } = await signIn("root");
  const page = await (await browser.get(`${server.console}/`)).text();
  const csrf = /name="csrf" value="([^"]+)"/.exec(page)?.[1];
  assert.ok(csrf, "no form to sign out with");
  const kept = browser.jar(server.console).get("stockade");
  const done = await browser.get(`${server.console}/signout`, {
    method: "POST", body: new URLSearchParams({ csrf }), headers: { origin: server.console },
  });
  assert.equal(done.status, 303);
  const status = await fetch(`${server.console}/api/v1/status`, { headers: { cookie: `stockade=${kept}` } });
  assert.equal(status.status, 401);
});

test("a provider that lies signs nobody in", { skip }, async () => {
  const issuer = await startIssuer();
  const [key, other] = await Promise.all([makeKey("RS256", "k"), makeKey("RS256", "k")]);
  issuer.keys = [key.jwk];
  issuer.metadata = { authorization_endpoint: `${issuer.issuer}/auth`, token_endpoint: `${issuer.issuer}/token` };
  const own = await start(config(issuer.issuer), { variables: { CONSOLE_SECRET: SECRET } });
  const now = () => Math.floor(Date.now() / 1000);
  const good = (nonce) => ({ iss: issuer.issuer, aud: "console", sub: "mallory", nonce, iat: now(), exp: now() + 60, console: ["admins"] });
  const wrong = [];
  const attempt = async (name, wanted, make) => {
    const browser = new Browser();
    const away = await browser.get(`${own.console}/signin/provider`);
    const asked = new URL(away.headers.get("location")).searchParams;
    assert.equal(asked.get("code_challenge_method"), "S256");
    issuer.token = (form, headers) => {
      assert.equal(form.get("code"), "c");
      assert.ok(form.get("code_verifier").length >= 43);
      const [id, secret] = Buffer.from(headers.authorization.split(" ")[1], "base64").toString().split(":").map(decodeURIComponent);
      assert.deepEqual([id, secret], ["console", SECRET]);
      return make(asked.get("nonce"));
    };
    const back = `${own.console}/signin/callback?code=c&state=${asked.get("state")}`;
    const answer = await browser.get(back);
    if (answer.status !== wanted) wrong.push(`${name}: ${answer.status}`);
  };
  const token = (more, header, by = key) => (nonce) => {
    const claims = { ...good(nonce), ...more };
    return { access_token: "a", token_type: "Bearer", id_token: forge(by, { typ: undefined, ...header }, claims) };
  };
  await attempt("as it should be", 200, token({}));
  await attempt("another nonce", 403, token({ nonce: "n" }));
  await attempt("no nonce", 403, token({ nonce: undefined }));
  await attempt("another audience", 403, token({ aud: "other" }));
  await attempt("two audiences and no azp", 403, token({ aud: ["console", "other"] }));
  await attempt("two audiences, azp is another", 403, token({ aud: ["console", "other"], azp: "other" }));
  await attempt("two audiences, azp is us", 200, token({ aud: ["console", "other"], azp: "console" }));
  await attempt("another azp", 403, token({ azp: "other" }));
  await attempt("another issuer", 403, token({ iss: "https://evil.example" }));
  await attempt("expired", 403, token({ exp: now() - 60 }));
  await attempt("an old one", 403, token({ iat: now() - 3_600 }));
  await attempt("an access token", 403, token({}, { typ: "at+jwt" }));
  await attempt("signed by another", 403, token({}, {}, other));
  await attempt("not signed", 403, (nonce) => ({ id_token: `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(JSON.stringify(good(nonce))).toString("base64url")}.` }));
  await attempt("no ID token", 503, () => ({ access_token: "a" }));
  await attempt("no role", 403, token({ console: [] }));
  assert.deepEqual(wrong, []);
  await Promise.all([own.stop(), issuer.stop()]);
});
