// Starts the real binary for the tests in this folder. STOCKADE_BIN names it.

import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const binary = process.env.STOCKADE_BIN;

/** One `stockade up` with a data directory, root key and ports of its own. */
export async function start(config = "", { policies, variables = {} } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "stockade-test-"));
  const data = join(folder, "data");
  mkdirSync(join(folder, "key"), { mode: 0o700 });
  const file = join(folder, "stockade.toml");
  if (policies !== undefined) {
    mkdirSync(join(folder, "policies"));
    writeFileSync(join(folder, "policies", "own.cedar"), policies);
    config += `\n[policies]\ndir = ${JSON.stringify(join(folder, "policies"))}\n`;
  }
  writeFileSync(file, config);
  const environment = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    STOCKADE_HOME: data,
    STOCKADE_ROOT_KEY_FILE: join(folder, "key", "root.key"),
    ...variables,
  };
  const free = "127.0.0.1:0";
  const child = spawn(
    binary,
    ["up", "--data", data, "--config", file, "--no-env-upstreams",
      "--gateway", free, "--console", free, "--metrics", free],
    { env: environment, stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  child.stdout.on("data", (text) => (output += text));
  child.stderr.on("data", (text) => (output += text));

  const addresses = await ready(child, join(data, "run", "addresses.json"), () => output);
  return {
    baseURL: `http://${addresses.gateway}/v1`,
    console: `http://${addresses.console}`,
    metricsURL: `http://${addresses.metrics}/metrics`,
    config: file,
    /** Another verb of the binary; its exit code and what it printed. The test's own servers go on meanwhile. */
    command: (args, input = "") => new Promise((done) => {
      const options = { env: environment, encoding: "utf8", timeout: 60_000, maxBuffer: 2 ** 28 };
      const verb = execFile(binary, args, options, (error, out, said) => done({ code: error?.code ?? 0, out, said }));
      verb.stdin.end(input);
    }),
    /** Writes another configuration and waits until it is in force. */
    async reconfigure(text) {
      const before = output.length;
      writeFileSync(file, text);
      child.kill("SIGHUP");
      for (const end = Date.now() + 10_000; Date.now() < end; await sleep(50)) {
        if (/configuration/.test(output.slice(before))) return output.slice(before);
      }
      throw new Error(`the configuration was not taken:\n${output}`);
    },
    /** Everything in the ledger, oldest first. */
    events() {
      const text = execFileSync(binary, ["audit", "export"], { env: environment, encoding: "utf8", maxBuffer: 2 ** 28 });
      const lines = text.split("\n").filter((line) => line.startsWith("{"));
      return lines.map((line) => find(JSON.parse(line), (e) => typeof e.type === "string")).filter(Boolean);
    },
    output: () => output,
    apiKey: readFileSync(join(data, "playground.key"), "utf8").trim(),
    /** A sign-in link for the console, good once. */
    signin() {
      execFileSync(binary, ["signin"], { env: environment, stdio: ["ignore", "ignore", "ignore"] });
      return readFileSync(join(data, "run", "signin.url"), "utf8").trim();
    },
    /** Waits for the outcome that was recorded for a request id. */
    async outcome(request) {
      for (const end = Date.now() + 10_000; Date.now() < end; await sleep(100)) {
        const text = execFileSync(binary, ["audit", "export"], { env: environment, encoding: "utf8", maxBuffer: 2 ** 28 });
        for (const line of text.split("\n").filter((l) => l.startsWith("{"))) {
          const event = find(JSON.parse(line), (e) => e.type === "outcome" && e.request === request);
          if (event) return event;
        }
      }
      throw new Error(`no outcome of ${request} in the ledger`);
    },
    async stop() {
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      const hard = setTimeout(() => child.kill("SIGKILL"), 20_000);
      await ended;
      clearTimeout(hard);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ready(child, path, output) {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(20)) {
    if (child.exitCode !== null) throw new Error(`stockade up ended with ${child.exitCode}:\n${output()}`);
    try {
      const addresses = JSON.parse(readFileSync(path, "utf8"));
      if ((await fetch(`http://${addresses.metrics}/readyz`)).ok) return addresses;
    } catch {
      // not yet
    }
  }
  child.kill("SIGKILL");
  throw new Error(`stockade up was not ready in 60 s:\n${output()}`);
}

function find(value, wanted) {
  if (value === null || typeof value !== "object") return undefined;
  if (wanted(value)) return value;
  for (const inner of Object.values(value)) {
    const found = find(inner, wanted);
    if (found) return found;
  }
  return undefined;
}
