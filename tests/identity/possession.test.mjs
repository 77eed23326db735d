// Client certificates as credentials, and tokens that are bound to a certificate (RFC 8705) or a key (RFC 9449).

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createHash, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";
import OpenAI from "openai";
import { binary, start } from "../sdk/node/stockade.mjs";
import { AUDIENCE, startProvider } from "./provider.mjs";
import { forge, makeKey, startIssuer } from "./forge.mjs";

const skip = binary ? false : "STOCKADE_BIN does not name the binary";
const ALG = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const day = 86_400_000;
const WORKLOAD = "spiffe://example.org/ns/prod/sa/chat";
let folder;
let authority;
let stranger;
let issuer;
let key;
let server;

async function makeAuthority(name) {
  const keys = await crypto.subtle.generateKey(ALG, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`, keys, signingAlgorithm: ALG, serialNumber: "01",
    notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day),
    extensions: [new x509.BasicConstraintsExtension(true, 1, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true)],
  });
  return { keys, certificate, pem: certificate.toString("pem") };
}

let serial = 2;
async function issue(by, { names = [], subject = "CN=client", notAfter = Date.now() + day, usage = x509.ExtendedKeyUsage.clientAuth }) {
  const keys = await crypto.subtle.generateKey(ALG, true, ["sign", "verify"]);
  const number = (serial++).toString(16).padStart(2, "0");
  const certificate = await x509.X509CertificateGenerator.create({
    subject, issuer: by.certificate.subject, serialNumber: number, signingAlgorithm: ALG,
    signingKey: by.keys.privateKey, publicKey: keys.publicKey,
    notBefore: new Date(Date.now() - day), notAfter: new Date(notAfter),
    extensions: [new x509.ExtendedKeyUsageExtension([usage]), ...(names.length ? [new x509.SubjectAlternativeNameExtension(names)] : [])],
  });
  const der = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  return {
    number, cert: certificate.toString("pem"),
    key: `-----BEGIN PRIVATE KEY-----\n${der.toString("base64").replace(/(.{64})/g, "$1\n")}\n-----END PRIVATE KEY-----\n`,
    thumbprint: createHash("sha256").update(Buffer.from(certificate.rawData)).digest("base64url"),
  };
}

before(async () => {
  if (skip) return;
  x509.cryptoProvider.set(crypto);
  folder = mkdtempSync(join(tmpdir(), "stockade-certificates-"));
  [authority, stranger, issuer, key] = await Promise.all([makeAuthority("clients"), makeAuthority("strangers"), startIssuer(), makeKey("ES256", "k")]);
  issuer.keys = [key.jwk];
  const own = await issue(authority, { names: [{ type: "dns", value: "localhost" }], usage: x509.ExtendedKeyUsage.serverAuth });
  const revoked = await issue(authority, { names: [{ type: "url", value: WORKLOAD }] });
  authority.revoked = revoked;
  const crl = await x509.X509CrlGenerator.create({
    issuer: authority.certificate.subject, thisUpdate: new Date(), nextUpdate: new Date(Date.now() + day),
    signingAlgorithm: ALG, signingKey: authority.keys.privateKey,
    extensions: [
      new x509.Extension("2.5.29.20", false, new Uint8Array([2, 1, 1])),
      await x509.AuthorityKeyIdentifierExtension.create(authority.keys.publicKey),
    ],
    entries: [{ serialNumber: revoked.number, revocationDate: new Date() }],
  });
  for (const [name, text] of Object.entries({ "ca.pem": authority.pem, "own.pem": own.cert, "own.key": own.key, "crl.pem": crl.toString("pem").replaceAll(/(BEGIN|END) [A-Z0-9 ]*CRL/g, "$1 X509 CRL") })) {
    writeFileSync(join(folder, name), text);
  }
  const at = (name) => JSON.stringify(join(folder, name));
  server = await start(`
[server]
tls_certificate = ${at("own.pem")}
tls_key = ${at("own.key")}

[[identity.issuers]]
name = "one"
issuer = "${issuer.issuer}"
audiences = ["ai"]
workload = "playground"

[identity.certificates]
ca = ${at("ca.pem")}
crls = [${at("crl.pem")}]
[identity.certificates.workloads]
"${WORKLOAD}" = "playground"
"dns:batch.internal" = "playground"
"spiffe://example.org/other" = "elsewhere"
`);
});
after(async () => {
  await server?.stop();
  await issuer?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** One request over TLS. */
function ask({ client, headers = {}, path = "/v1/models", method = "GET", body } = {}) {
  const { port } = new URL(server.baseURL);
  return new Promise((done) => {
    const call = request({
      host: "127.0.0.1", port, servername: "localhost", path, method, agent: false, ca: authority.pem,
      headers: { host: `localhost:${port}`, ...headers }, ...(client && { cert: client.cert, key: client.key }),
    }, (answer) => {
      let text = "";
      answer.on("data", (piece) => (text += piece));
      answer.on("end", () => {
        const code = answer.statusCode === 200 ? "accepted" : `${answer.statusCode} ${JSON.parse(text).error?.code}`;
        done({ code, headers: answer.headers, id: answer.headers["x-request-id"] });
      });
    });
    call.on("error", (error) => done({ code: "no connection", error }));
    call.end(body);
  });
}

const code = async (options) => (await ask(options)).code;

test("a certificate is the credential of its workload", { skip }, async () => {
  const spiffe = await issue(authority, { names: [{ type: "url", value: WORKLOAD }] });
  const body = JSON.stringify({ model: "sandbox", messages: [{ role: "user", content: "say exactly: hi" }] });
  const answer = await ask({ client: spiffe, method: "POST", path: "/v1/chat/completions", body, headers: { "content-type": "application/json" } });
  assert.equal(answer.code, "accepted");
  await server.outcome(answer.id);
  const { caller } = server.events().find((event) => event.type === "intent" && event.request === answer.id);
  assert.equal(caller.credential, "certificate");
  assert.deepEqual(caller.certificate, { name: WORKLOAD, thumbprint: spiffe.thumbprint });
  const dns = await issue(authority, { names: [{ type: "dns", value: "Batch.Internal" }] });
  assert.equal(await code({ client: dns }), "accepted");
  // SDKs want a key.
  assert.equal(await code({ client: spiffe, headers: { authorization: "Bearer mtls" } }), "accepted");
  // A key that is there is the credential.
  assert.equal(await code({ client: spiffe, headers: { authorization: `Bearer ${server.apiKey}` } }), "accepted");
  assert.equal(await code({ client: spiffe, headers: { authorization: "Bearer stk_wrong" } }), "401 invalid_api_key");
  assert.equal(await code({ client: spiffe, headers: { authorization: "Basic eDp5" } }), "401 invalid_api_key");
});

test("certificates that are none", { skip }, async () => {
  const name = [{ type: "url", value: WORKLOAD }];
  const [foreign, expired, common, unknown, missing, two, server_] = await Promise.all([
    issue(stranger, { names: name }),
    issue(authority, { names: name, notAfter: Date.now() - 1_000 }),
    issue(authority, { subject: `CN=${WORKLOAD}` }),
    issue(authority, { names: [{ type: "url", value: `${WORKLOAD}/x` }] }),
    issue(authority, { names: [{ type: "url", value: "spiffe://example.org/other" }] }),
    issue(authority, { names: [...name, { type: "url", value: "spiffe://example.org/other" }] }),
    issue(authority, { names: name, usage: x509.ExtendedKeyUsage.serverAuth }),
  ]);
  assert.equal(await code({ client: foreign }), "no connection");
  assert.equal(await code({ client: expired }), "no connection");
  assert.equal(await code({ client: server_ }), "no connection");
  assert.equal(await code({ client: authority.revoked }), "no connection");
  assert.equal(await code({ client: common }), "401 invalid_token");
  assert.equal(await code({ client: unknown }), "401 invalid_token");
  assert.equal(await code({ client: missing }), "401 invalid_token");
  assert.equal(await code({ client: two }), "401 invalid_token");
  assert.equal(await code({}), "401 invalid_api_key");
  assert.equal(await code({ headers: { authorization: "Bearer mtls" } }), "401 invalid_api_key");
  assert.equal(await code({ headers: { authorization: `Bearer ${server.apiKey}` } }), "accepted");
});

const now = () => Math.floor(Date.now() / 1000);
const claims = (more) => ({ iss: issuer.issuer, aud: "ai", sub: "a", iat: now(), exp: now() + 300, ...more });

test("a token that is bound to a certificate", { skip }, async () => {
  const [mine, other] = await Promise.all([issue(authority, { names: [] }), issue(authority, { names: [] })]);
  const token = forge(key, {}, claims({ cnf: { "x5t#S256": mine.thumbprint } }));
  const headers = { authorization: `Bearer ${token}` };
  assert.equal(await code({ client: mine, headers }), "accepted");
  assert.equal(await code({ client: other, headers }), "401 invalid_token");
  assert.equal(await code({ headers }), "401 invalid_token");
  const odd = forge(key, {}, claims({ cnf: { "x5t#S256": mine.thumbprint, jku: "x" } }));
  assert.equal(await code({ client: mine, headers: { authorization: `Bearer ${odd}` } }), "401 invalid_token");
});

/** A client's key for proofs. */
async function prover(alg = "ES256") {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  return {
    jwk, privateKey, jkt: await calculateJwkThumbprint(jwk),
    proof: (token, more = {}, header = {}) => {
      const all = {
        jti: randomUUID(), htm: "GET", iat: now(), ath: createHash("sha256").update(token).digest("base64url"),
        htu: `https://localhost:${new URL(server.baseURL).port}/v1/models`, ...more,
      };
      const payload = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
      return new SignJWT(payload).setProtectedHeader({ alg, typ: "dpop+jwt", jwk, ...header }).sign(privateKey);
    },
  };
}

test("a token that is bound to a key needs a proof for each request", { skip }, async () => {
  const [mine, other] = await Promise.all([prover(), prover("EdDSA")]);
  const token = forge(key, {}, claims({ cnf: { jkt: mine.jkt } }));
  const free = forge(key, {}, claims());
  const present = async (dpop, { scheme = "DPoP", token: shown = token, path } = {}) =>
    code({ path, headers: { authorization: `${scheme} ${shown}`, ...(dpop && { dpop: await dpop }) } });
  const bad = "401 invalid_dpop_proof";
  assert.equal(await present(mine.proof(token)), "accepted");
  assert.equal(await present(mine.proof(token, { htu: `HTTPS://LOCALHOST:${new URL(server.baseURL).port}/v1/models?x=1` })), "accepted");
  const once = await mine.proof(token);
  assert.equal(await present(once), "accepted");
  assert.equal(await present(once), bad, "a second time");
  const wrong = [];
  for (const [name, wanted, proof, more] of [
    ["no proof", bad, undefined],
    ["as a bearer token", "401 invalid_token", mine.proof(token), { scheme: "Bearer" }],
    ["another's proof", "401 invalid_token", other.proof(token)],
    ["a proof of another token", bad, mine.proof(free)],
    ["no ath", bad, mine.proof(token, { ath: undefined })],
    ["another method", bad, mine.proof(token, { htm: "POST" })],
    ["a method in other letters", bad, mine.proof(token, { htm: "get" })],
    ["another path", bad, mine.proof(token, { htu: `https://localhost:${new URL(server.baseURL).port}/v1/other` })],
    ["another host", bad, mine.proof(token, { htu: "https://evil.example/v1/models" })],
    ["plain http", bad, mine.proof(token, { htu: `http://localhost:${new URL(server.baseURL).port}/v1/models` })],
    ["no htu", bad, mine.proof(token, { htu: undefined })],
    ["old", bad, mine.proof(token, { iat: now() - 120 })],
    ["of tomorrow", bad, mine.proof(token, { iat: now() + 120 })],
    ["no iat", bad, mine.proof(token, { iat: undefined })],
    ["no jti", bad, mine.proof(token, { jti: undefined })],
    ["an empty jti", bad, mine.proof(token, { jti: "" })],
    ["another type", bad, mine.proof(token, {}, { typ: "JWT" })],
    ["another key in the header", bad, mine.proof(token, {}, { jwk: other.jwk })],
    ["no key in the header", bad, mine.proof(token, {}, { jwk: undefined })],
    ["the private key in the header", bad, exportJWK(mine.privateKey).then((jwk) => mine.proof(token, {}, { jwk }))],
    ["crit", bad, mine.proof(token, {}, { crit: ["x"], x: 1 }).catch(() => "x")],
    ["nonsense", bad, "x.y.z"],
    ["a token that is bound to nothing", "401 invalid_token", mine.proof(free), { token: free }],
    ["an API key", "401 invalid_token", mine.proof(server.apiKey), { token: server.apiKey }],
  ]) {
    const got = await present(proof, more);
    if (got !== wanted) wrong.push(`${name}: ${got}, not ${wanted}`);
  }
  assert.deepEqual(wrong, []);
  const answer = await ask({ headers: { authorization: `DPoP ${token}` } });
  assert.match(answer.headers["www-authenticate"], /^DPoP error="invalid_dpop_proof"/);
});

test("a proof carries a nonce, where it must", { skip }, async () => {
  const own = await start(`[identity]\ndpop_nonce = true\n[[identity.issuers]]\nname = "one"\nissuer = "${issuer.issuer}"\naudiences = ["ai"]\nworkload = "playground"\n`);
  const mine = await prover();
  const token = forge(key, {}, claims({ cnf: { jkt: mine.jkt } }));
  const ask = async (nonce) => {
    const dpop = await mine.proof(token, { htu: `${own.baseURL}/models`, nonce });
    const answer = await fetch(`${own.baseURL}/models`, { headers: { authorization: `DPoP ${token}`, dpop } });
    const body = await answer.json();
    return [answer.status, body.error?.code, answer.headers.get("dpop-nonce"), answer.headers.get("www-authenticate")];
  };
  const [status, code, nonce, challenge] = await ask(undefined);
  assert.deepEqual([status, code, challenge], [401, "use_dpop_nonce", 'DPoP error="use_dpop_nonce"']);
  assert.deepEqual((await ask("made up")).slice(0, 2), [401, "use_dpop_nonce"]);
  const [again, none, next] = await ask(nonce);
  assert.deepEqual([again, none], [200, undefined]);
  assert.ok(next);
  await own.stop();
});

test("a real provider binds a token, and the SDK presents it", { skip }, async () => {
  const provider = await startProvider();
  const own = await start(`[[identity.issuers]]\nname = "corp"\nissuer = "${provider.issuer}"\naudiences = ["${AUDIENCE}"]\nworkload = "playground"\n`);
  const mine = await prover();
  const atProvider = await mine.proof("", { ath: undefined, htm: "POST", htu: `${provider.issuer}/token` });
  const token = await provider.token("chat", { grant_type: "client_credentials", scope: "ai.invoke", resource: AUDIENCE }, { dpop: atProvider });
  const client = new OpenAI({
    baseURL: own.baseURL, apiKey: "by DPoP", maxRetries: 0,
    fetch: async (url, init) => {
      const headers = new Headers(init.headers);
      headers.set("authorization", `DPoP ${token}`);
      headers.set("dpop", await mine.proof(token, { htm: init.method.toUpperCase(), htu: String(url) }));
      return fetch(url, { ...init, headers });
    },
  });
  const answer = await client.chat.completions.create({ model: "sandbox", messages: [{ role: "user", content: "say exactly: bound" }] });
  assert.match(answer.choices[0].message.content, /bound/);
  const stolen = new OpenAI({ baseURL: own.baseURL, apiKey: token, maxRetries: 0 });
  await assert.rejects(stolen.models.list(), OpenAI.AuthenticationError);
  await Promise.all([own.stop(), provider.stop()]);
});
