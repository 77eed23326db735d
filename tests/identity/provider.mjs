// A real OpenID provider, by the npm package `oidc-provider`, on a free port of this machine. People sign in without being
// asked: what is tested is what comes after.

import { createServer } from "node:http";
import { createHash, randomBytes } from "node:crypto";
import { exportJWK, generateKeyPair } from "jose";
import { Provider } from "oidc-provider";

export const AUDIENCE = "https://gateway.example.com";

/** Who can sign in, and what the provider says of them. */
const PEOPLE = {
  alice: { groups: ["analysts", "staff"], roles: ["reader"], console: ["operators"] },
  bob: { groups: ["staff"], roles: [], console: [] },
  eve: { groups: ["banned"], roles: [], console: ["everyone"] },
  root: { groups: [], roles: [], console: ["everyone", "admins"] },
};

const clients = (redirect) => [
  { client_id: "chat", client_secret: "chat-secret-of-tests", redirect_uris: [redirect],
    grant_types: ["authorization_code", "client_credentials"], response_types: ["code"] },
  { client_id: "batch", client_secret: "batch-secret-of-tests", redirect_uris: [],
    grant_types: ["client_credentials"], response_types: [] },
  { client_id: "stranger", client_secret: "stranger-secret-of-tests", redirect_uris: [],
    grant_types: ["client_credentials"], response_types: [] },
];

/** Starts one. `extra` are further clients. */
export async function startProvider({ extra = [], ttl = 600, alg = "RS256" } = {}) {
  const counts = { keys: 0, metadata: 0 };
  const state = { ttl, down: false };
  let provider;
  let handle;
  let signing;
  const server = createServer((request, response) => {
    if (request.url.startsWith("/jwks")) counts.keys += 1;
    if (request.url.startsWith("/.well-known/")) counts.metadata += 1;
    if (state.down) {
      response.writeHead(500).end();
    } else if (request.url.startsWith("/interaction/")) {
      interact(provider, request, response).catch((error) => response.writeHead(500).end(String(error)));
    } else {
      handle(request, response);
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const redirect = `${issuer}/nowhere`;

  async function rotate(next = alg) {
    const { privateKey } = await generateKeyPair(next, { extractable: true });
    signing = { ...(await exportJWK(privateKey)), use: "sig", alg: next, kid: randomBytes(8).toString("hex") };
    begin();
  }

  function begin() {
    provider = new Provider(issuer, options(signing, signing.alg));
    provider.on("server_error", (_, error) => console.error(error));
    handle = provider.callback();
  }

  function options(key, algorithm) {
    return {
      jwks: { keys: [key] },
      clients: [...clients(redirect), ...extra].map((client) => ({ id_token_signed_response_alg: algorithm, ...client })),
      cookies: { keys: [randomBytes(16).toString("hex")] },
      pkce: { required: () => true },
      claims: { openid: ["sub", "groups", "roles", "console"] },
      conformIdTokenClaims: false,
      findAccount: (_, id) =>
        id in PEOPLE ? { accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) } : undefined,
      interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
      extraTokenClaims: (_, token) => PEOPLE[token.accountId],
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        dPoP: { enabled: true },
        rpInitiatedLogout: { enabled: true },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => AUDIENCE,
          useGrantedResource: () => true,
          getResourceServerInfo: (_, resource) => ({
            scope: "ai.invoke", audience: resource, accessTokenFormat: "jwt", accessTokenTTL: state.ttl,
            jwt: { sign: { alg: algorithm } },
          }),
        },
      },
    };
  }

  async function interact(provider, request, response) {
    const details = await provider.interactionDetails(request, response);
    const person = state.person ?? details.params.login_hint ?? "alice";
    if (details.prompt.name === "login") {
      return provider.interactionFinished(request, response, { login: { accountId: person } });
    }
    const grant = new provider.Grant({ accountId: details.session.accountId, clientId: details.params.client_id });
    grant.addOIDCScope("openid");
    grant.addResourceScope(AUDIENCE, "ai.invoke");
    if (state.refuses) {
      return provider.interactionFinished(request, response, { error: "access_denied" }, { mergeWithLastSubmission: false });
    }
    return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
  }

  await rotate();
  const basic = (client) => `Basic ${Buffer.from(`${client}:${client}-secret-of-tests`).toString("base64")}`;
  const token = async (client, form, headers = {}) => {
    const answer = await fetch(`${issuer}/token`, {
      method: "POST",
      headers: { authorization: basic(client), "content-type": "application/x-www-form-urlencoded", ...headers },
      body: new URLSearchParams(form),
    });
    const body = await answer.json();
    if (!answer.ok) throw new Error(`the provider gave no token: ${JSON.stringify(body)}`);
    return body.access_token;
  };
  return {
    issuer, counts, state, rotate, token,
    /** Makes another client known, under the same keys. */
    register(client) {
      extra.push(client);
      begin();
    },
    /** A token that a program gets for itself. */
    program: (client, resource = AUDIENCE) =>
      token(client, { grant_type: "client_credentials", scope: "ai.invoke", resource }),
    /** A token of a person who signed in through a program. */
    async person(name, client = "chat") {
      const verifier = randomBytes(32).toString("base64url");
      const challenge = createHash("sha256").update(verifier).digest("base64url");
      const start = `${issuer}/auth?${new URLSearchParams({
        client_id: client, response_type: "code", redirect_uri: redirect, scope: "openid ai.invoke",
        resource: AUDIENCE, code_challenge: challenge, code_challenge_method: "S256", login_hint: name,
      })}`;
      const back = await new Browser().follow(start, redirect);
      return token(client, {
        grant_type: "authorization_code", code: back.searchParams.get("code"), redirect_uri: redirect,
        code_verifier: verifier, resource: AUDIENCE,
      });
    },
    stop: () => new Promise((done) => {
      server.closeAllConnections();
      server.close(done);
    }),
  };
}

/** What a browser does with addresses and cookies, and no more: redirects are followed one by one. */
export class Browser {
  jars = new Map();

  jar(url) {
    const { host } = new URL(url);
    if (!this.jars.has(host)) this.jars.set(host, new Map());
    return this.jars.get(host);
  }

  async get(url, options = {}) {
    const jar = this.jar(url);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...(cookie && { cookie }), ...options.headers };
    const answer = await fetch(url, { redirect: "manual", ...options, headers });
    for (const set of answer.headers.getSetCookie()) {
      const [pair, ...attributes] = set.split(";");
      const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
      const gone = value === "" || attributes.some((a) => /^\s*max-age=0$/i.test(a) || /^\s*expires=Thu, 01 Jan 1970/i.test(a));
      if (gone) jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  }

  /** Follows redirects until they lead to an address that begins so; that address is not asked. */
  async follow(url, until) {
    for (let hop = 0; hop < 20; hop += 1) {
      if (url.startsWith(until)) return new URL(url);
      const answer = await this.get(url);
      const next = answer.headers.get("location");
      if (next === null) throw new Error(`${url} answered ${answer.status}: ${(await answer.text()).slice(0, 500)}`);
      url = new URL(next, url).href;
    }
    throw new Error("too many redirects");
  }
}
