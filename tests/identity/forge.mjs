// An issuer that does whatever a test wants, and tokens made by an independent library (`jose`) or by hand.

import { createServer } from "node:http";
import { createHmac, createPrivateKey, sign } from "node:crypto";
import { exportJWK, exportPKCS8, generateKeyPair } from "jose";

const b64 = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** A server whose answers can be replaced. */
export async function startIssuer() {
  const it = { keys: [], counts: { keys: 0, metadata: 0, other: 0 }, delay: 0, down: false, metadata: {}, body: undefined };
  const server = createServer((request, response) => {
    const path = new URL(request.url, "http://x").pathname;
    const kind = path === "/jwks" ? "keys" : path.endsWith("/.well-known/openid-configuration") ? "metadata" : "other";
    it.counts[kind] += 1;
    const base = path.replace("/.well-known/openid-configuration", "");
    const body = kind === "keys" ? it.body ?? JSON.stringify({ keys: it.keys })
      : JSON.stringify({ issuer: `${it.issuer}${base}`, jwks_uri: `${it.issuer}/jwks`, ...it.metadata });
    if (path === "/token" && it.token) {
      let form = "";
      request.on("data", (piece) => (form += piece));
      request.on("end", () => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(it.token(new URLSearchParams(form), request.headers))));
      return;
    }
    setTimeout(() => {
      if (it.redirect) response.writeHead(302, { location: it.redirect }).end();
      else response.writeHead(it.down ? 503 : 200, { "content-type": "application/json" }).end(it.down ? "down" : body);
    }, it.delay);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  it.issuer = `http://127.0.0.1:${server.address().port}`;
  it.stop = () => new Promise((done) => { server.closeAllConnections(); server.close(done); });
  return it;
}

/** A key pair with its public JWK. */
export async function makeKey(alg, kid, more = {}) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true, ...more });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: "sig" };
  return { alg, kid, privateKey, publicKey, jwk, pem: await exportPKCS8(privateKey) };
}

/** A token signed by hand, so that nothing corrects it. `text` takes the place of the claims as they are written. */
export function forge(key, header, claims, { text, headerText } = {}) {
  const signed = `${b64(headerText ?? { alg: key.alg, kid: key.kid, typ: "at+jwt", ...header })}.${b64(text ?? claims)}`;
  return `${signed}.${signature(key, signed)}`;
}

/** A signature in the form that JSON Web Signatures have. */
export function signature(key, signed) {
  const hash = key.alg === "EdDSA" ? null : `sha${key.alg.slice(-3)}`;
  const options = { key: createPrivateKey(key.pem), dsaEncoding: "ieee-p1363" };
  if (key.alg.startsWith("PS")) Object.assign(options, { padding: 6, saltLength: -1 });
  return sign(hash, Buffer.from(signed), options).toString("base64url");
}

/** A token under a shared secret. */
export function forgeHmac(secret, header, claims, alg = "HS256") {
  const signed = `${b64({ alg, typ: "JWT", ...header })}.${b64(claims)}`;
  return `${signed}.${createHmac(`sha${alg.slice(-3)}`, secret).update(signed).digest("base64url")}`;
}

export { b64 };
