// Tokens of a real provider as credentials, with the official OpenAI SDK, unmodified, against a running `stockade up`.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import OpenAI, { AzureOpenAI } from "openai";
import { binary, start } from "../sdk/node/stockade.mjs";
import { AUDIENCE, startProvider } from "./provider.mjs";

const skip = binary ? false : "STOCKADE_BIN does not name the binary";
let provider;
let server;

const config = (issuer) => `
[[identity.issuers]]
name = "corp"
issuer = "${issuer}"
audiences = ["${AUDIENCE}"]
groups_claim = "groups"
roles_claim = "roles"
required_scopes = ["ai.invoke"]
clock_skew = "0s"

[identity.issuers.workloads]
chat = "playground"
batch = "nightly"
`;

const policies = `
@id("no-banned")
@title("Banned people do not pass")
@why("They were banned.")
@reason("banned")
forbid (principal, action, resource)
when { principal has user && principal.user in Stockade::Group::"corp:banned" };
`;

before(async () => {
  if (skip) return;
  provider = await startProvider();
  server = await start(config(provider.issuer), { policies });
});
after(async () => {
  await server?.stop();
  await provider?.stop();
});

const ask = (content, more = {}) => ({ model: "sandbox", messages: [{ role: "user", content }], ...more });
const client = (apiKey, more = {}) => new OpenAI({ baseURL: server.baseURL, apiKey, maxRetries: 0, ...more });

async function intent(completion) {
  const request = completion._request_id;
  await server.outcome(request);
  return server.events().find((event) => event.type === "intent" && event.request === request);
}

async function status(promise) {
  const error = await promise.then(() => assert.fail("it was answered"), (e) => e);
  return [error.status, error.code];
}

test("a program's token is a credential of its workload", { skip }, async () => {
  const token = await provider.program("chat");
  const answer = await client(token).chat.completions.create(ask("say exactly: Good morning."));
  assert.match(answer.choices[0].message.content, /Good morning/);
  const { caller } = await intent(answer);
  assert.equal(caller.credential, "token");
  assert.deepEqual([caller.key, caller.user], [undefined, undefined]);
  assert.deepEqual([caller.token.issuer, caller.token.client], ["corp", "chat"]);
  const set = await (await fetch(`${provider.issuer}/jwks`)).json();
  assert.ok(caller.token.signed_by.length === 43 && set.keys.length === 1);
  const models = [];
  for await (const model of client(token).models.list()) models.push(model.id);
  assert.ok(models.includes("sandbox"));
});

test("wherever an SDK puts it", { skip }, async () => {
  const token = await provider.program("chat");
  const azure = new AzureOpenAI({ endpoint: server.baseURL.replace(/\/v1$/, ""), apiKey: token, apiVersion: "2024-10-21", deployment: "sandbox" });
  const answer = await azure.chat.completions.create(ask("say exactly: Azure."));
  assert.match(answer.choices[0].message.content, /Azure/);
  for (const header of ["api-key", "x-api-key"]) {
    const listed = await fetch(`${server.baseURL}/models`, { headers: { [header]: token } });
    assert.equal(listed.status, 200, header);
  }
  const two = await fetch(`${server.baseURL}/models`, { headers: { "api-key": token, authorization: `Bearer ${server.apiKey}` } });
  assert.equal(two.status, 401);
});

test("a person's token names the person, and groups decide", { skip }, async () => {
  const [alice, again, bob, eve] = await Promise.all(["alice", "alice", "bob", "eve"].map((who) => provider.person(who)));
  const callers = [];
  for (const token of [alice, again, bob]) {
    callers.push((await intent(await client(token).chat.completions.create(ask("say exactly: hi")))).caller);
  }
  assert.equal(callers[0].user_proof, "token");
  assert.match(callers[0].user, /^[0-9a-f]{32}$/);
  assert.equal(callers[0].user, callers[1].user);
  assert.notEqual(callers[0].user, callers[2].user);
  assert.ok(!JSON.stringify(server.events()).includes("alice"), "the ledger names a person");
  assert.deepEqual(await status(client(eve).chat.completions.create(ask("hi"))), [403, "policy_denied"]);
  // Who a token names, no header names otherwise.
  const other = client(alice, { defaultHeaders: { "x-stockade-user": "bob" } });
  assert.deepEqual(await status(other.chat.completions.create(ask("hi"))), [400, "invalid_request"]);
});

test("a client without a workload, and a workload that is not there", { skip }, async () => {
  assert.deepEqual(await status(client(await provider.program("stranger")).models.list()), [401, "invalid_token"]);
  const token = await provider.program("batch");
  assert.deepEqual(await status(client(token).models.list()), [401, "invalid_token"]);
  assert.equal((await server.command(["workload", "create", "nightly", "--model", "sandbox"])).code, 0);
  const answer = await client(token).chat.completions.create(ask("say exactly: night"));
  assert.match(answer.choices[0].message.content, /night/);
});

test("a token for another resource is not for us", { skip }, async () => {
  const token = await provider.program("chat", "https://other.example.com");
  assert.deepEqual(await status(client(token).models.list()), [401, "invalid_token"]);
});

test("keys change while it runs", { skip }, async () => {
  const before = await provider.program("chat");
  await client(before).models.list();
  for (const alg of ["ES256", "PS256", "RS256"]) {
    await provider.rotate(alg);
    const token = await provider.program("chat");
    await client(token).models.list();
  }
  // The key is gone, so what it signed is worth nothing.
  assert.deepEqual(await status(client(before).models.list()), [401, "invalid_token"]);
  const changes = server.events().filter((event) => event.type === "admin" && event.action === "identity.keys");
  assert.ok(changes.length >= 4, `${changes.length} changes of keys in the ledger`);
});

test("a stream ends with its token, and the next request is told why", { skip }, async () => {
  provider.state.ttl = 3;
  const token = await provider.program("chat");
  provider.state.ttl = 600;
  const begun = Date.now();
  const stream = await client(token).chat.completions.create(ask("count to 2000 slowly", { stream: true }));
  const error = await (async () => { for await (const _ of stream); })().then(() => undefined, (e) => e);
  assert.ok(Date.now() - begun < 20_000);
  assert.match(String(error?.code ?? error?.error?.code ?? error), /key_expired/);
  const answer = await fetch(`${server.baseURL}/models`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 401);
  assert.equal((await answer.json()).error.code, "token_expired");
  assert.match(answer.headers.get("www-authenticate"), /^Bearer error="invalid_token"/);
  assert.equal(answer.headers.get("x-should-retry"), "false");
  for (const end = Date.now() + 10_000; ; await sleep(100)) {
    if (server.events().some((event) => event.type === "outcome" && event.end === "expired")) break;
    assert.ok(Date.now() < end, "the ledger does not say that it expired");
  }
});

test("operators learn what callers do not", { skip }, async () => {
  const check = async (token) => {
    const done = await server.command(["--format", "json", "identity", "check", "--config", server.config], token);
    return [done.code, JSON.parse(done.out)];
  };
  const [code, good] = await check(await provider.person("alice"));
  assert.equal(code, 0);
  assert.deepEqual([good.accepted, good.user, good.workload, good.groups], [true, "corp:alice", "playground", ["corp:analysts", "corp:staff"]]);
  assert.deepEqual(good.roles, ["corp:reader"]);
  assert.deepEqual((await check(await provider.program("stranger"))).map((x) => x.reason ?? x), [1, "no_workload"]);
  assert.deepEqual((await check("nonsense")).map((x) => x.reason ?? x), [1, "malformed"]);
  const metrics = await (await fetch(server.metricsURL)).text();
  assert.match(metrics, /stockade_identity_tokens_total\{issuer="corp",[^}]*result="accepted"\} [1-9]/);
  assert.match(metrics, /stockade_identity_tokens_total\{issuer="corp",[^}]*result="audience"\} [1-9]/);
  assert.match(metrics, /stockade_identity_keys\{issuer="corp",[^}]*\} 1/);
  const doctor = await server.command(["--format", "json", "doctor", "--config", server.config]);
  const issuer = JSON.parse(doctor.out).find((line) => line.name === "issuer");
  assert.equal(issuer.state, "ok", issuer.detail);
  assert.match(issuer.detail, /1 keys at .*clock agrees/);
});

test("a person's token beside a workload's key", { skip }, async () => {
  const alice = await provider.person("alice");
  const beside = (headers) => client(server.apiKey, { defaultHeaders: headers });
  assert.deepEqual(
    await status(beside({ "x-stockade-user-token": alice }).chat.completions.create(ask("hi"))),
    [403, "policy_denied"],
  );
  assert.equal((await server.command(["workload", "create", "front", "--model", "sandbox", "--trait", "passes_users"])).code, 0);
  const file = `${server.config}.key`;
  assert.equal((await server.command(["keys", "create", "--workload", "front", "--out", file])).code, 0);
  const key = readFileSync(file, "utf8").trim();
  const front = (headers) => client(key, { defaultHeaders: headers });
  const answer = await front({ "x-stockade-user-token": alice }).chat.completions.create(ask("say exactly: hi"));
  const { caller } = await intent(answer);
  assert.deepEqual([caller.credential, caller.user_proof, caller.token.client], ["api_key", "passed", "chat"]);
  assert.match(caller.key, /^key_/);
  // Through the program that the person signed in to.
  assert.equal(caller.chain.length, 1);
  const direct = (await intent(await client(alice).chat.completions.create(ask("say exactly: hi")))).caller;
  assert.equal(caller.user, direct.user);
  const refused = async (headers) => status(front(headers).chat.completions.create(ask("hi")));
  assert.deepEqual(await refused({ "x-stockade-user-token": await provider.person("eve") }), [403, "policy_denied"]);
  assert.deepEqual(await refused({ "x-stockade-user-token": await provider.program("chat") }), [401, "invalid_user_token"]);
  assert.deepEqual(await refused({ "x-stockade-user-token": "eyJub.nsense.x" }), [401, "invalid_user_token"]);
  assert.deepEqual(await refused({ "x-stockade-user-token": server.apiKey }), [401, "invalid_user_token"]);
  assert.deepEqual(await refused({ "x-stockade-user-token": alice, "x-stockade-user": "bob" }), [400, "invalid_request"]);
  assert.deepEqual(await refused({ "x-stockade-user": "corp:alice" }), [400, "invalid_request"]);
});

test("an issuer that is taken out of the configuration is out", { skip }, async () => {
  const token = await provider.program("chat");
  const stream = await client(token).chat.completions.create(ask("count to 2000 slowly", { stream: true }));
  const ended = (async () => { for await (const _ of stream); })().then(() => undefined, (e) => e);
  await server.reconfigure("");
  assert.match(String((await ended)?.code ?? (await ended)), /key_revoked/);
  assert.deepEqual(await status(client(token).models.list()), [401, "invalid_api_key"]);
});
