// The published package as a stranger gets it: built, packed, installed from the tarball into an empty
// folder with an empty cache, and used there: as a command, as a library, by a strict type checker.
// Needs the npm registry.

import { execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";

import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const built = join("dist", `packed-${process.pid}`);
const setUpMsMax = 280_000;

/** Nothing of whoever runs the tests: no settings, no conversations. The first node is this one. */
const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("LOCI_"))),
  PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`,
  LOCI_STORE: "none",
  NO_COLOR: "1",
};

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loci-published-"));
  await run(process.execPath, ["scripts/build.ts", built], { cwd: root });
  await run("npm", ["pack", "--pack-destination", folder], { cwd: join(root, built), env });
  const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz"));
  const app = { private: true, type: "module" };
  await writeFile(join(folder, "package.json"), JSON.stringify(app));
  const flags = ["--cache", join(folder, "cache"), "--no-audit", "--no-fund", "--loglevel=error"];
  const packages = [`./${tarball}`, "@types/node@24.10.0"];
  await run("npm", ["install", ...flags, ...packages], { cwd: folder, env });
}, setUpMsMax);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await rm(join(root, built), { recursive: true, force: true });
});

async function runNode(words: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, words, { cwd: folder, env });
  return stdout;
}

test("the command says its version, and that it can serve here", async () => {
  const command = join("node_modules", ".bin", "loci");
  const { stdout } = await run(command, ["--version"], { cwd: folder, env });
  expect(stdout).toMatch(/^\d+\.\d+\.\d+/);
  const doctor = await run(command, ["doctor", "--json"], { cwd: folder, env });
  expect(JSON.stringify(JSON.parse(doctor.stdout))).toContain("model loads");
});

test("the library answers in plain JavaScript", async () => {
  await writeFile(
    join(folder, "use.js"),
    `import { createEngine } from "loci";
    await using engine = await createEngine({ threads: 1, kvMemory: "64MiB" });
    let text = "";
    for await (const event of engine.generate({ prompt: "One day", maxTokens: 8 })) {
      text += event.text;
    }
    const chat = await engine.conversation();
    await chat.ask("Hello", { maxTokens: 4 });
    const { usage } = await chat.ask("And?", { maxTokens: 4 });
    console.log(JSON.stringify({ text, usage }));`,
  );
  const answer: { text: string; usage: { cachedTokens: number } } = JSON.parse(
    await runNode(["use.js"]),
  );
  expect(answer.text).not.toBe("");
  expect(answer.usage.cachedTokens).toBeGreaterThan(0);
});

test("its declarations hold in a strict project that checks them, too", async () => {
  await writeFile(
    join(folder, "use.ts"),
    `import { createEngine, LociError } from "loci";
    import type { Answer, AnswerEvent, EngineSettings, ErrorCode } from "loci";
    const settings: EngineSettings = { threads: 1, eviction: "lru" };
    await using engine = await createEngine(settings);
    const chat = await engine.conversation({ system: "Be short." });
    const answer: Answer = await chat.ask("Hello", { signal: AbortSignal.timeout(1000) });
    const events: AnswerEvent[] = [];
    for await (const event of engine.generate({ prompt: answer.text })) events.push(event);
    // @ts-expect-error a prompt and messages exclude each other
    await engine.complete({ prompt: "a", messages: [] });
    // @ts-expect-error no such option
    await engine.complete({ prompt: "a", maxtokens: 3 });
    export const codeOf = (error: unknown): ErrorCode | null =>
      error instanceof LociError ? error.code : null;`,
  );
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    verbatimModuleSyntax: true,
    skipLibCheck: false,
    noEmit: true,
    target: "es2024",
    lib: ["es2024", "esnext.disposable"],
    module: "nodenext",
    types: ["node"],
  };
  const project = JSON.stringify({ compilerOptions, files: ["use.ts"] });
  await writeFile(join(folder, "tsconfig.json"), project);
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  expect(await runNode([compiler, "-p", "."])).toBe("");
});

test("the server answers a request and shows its page", async () => {
  const command = join(folder, "node_modules", ".bin", "loci");
  const words = ["serve", "--port", "0", "--threads", "1", "--kv-memory", "64MiB"];
  const server = spawn(command, words, { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => {
    server.once("close", resolve);
  });
  try {
    const url = await addressOf(server.stdout);
    const reply = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ messages: [{ role: "user", content: "Hello" }], max_tokens: 4 }),
    });
    expect(await reply.json()).toMatchObject({ usage: { completion_tokens: 4 } });
    const page = await fetch(url);
    expect(page.headers.get("content-type")).toContain("text/html");
    expect(await page.text()).toContain("/assets/");
  } finally {
    server.kill("SIGTERM");
    await ended;
  }
});

test("what only some settings need is not installed, and named when it is asked for", async () => {
  const installed = await readdir(join(folder, "node_modules"));
  expect(installed).not.toContain("zeromq");
  expect(installed).not.toContain("@kubernetes");
  const command = join(folder, "node_modules", ".bin", "loci");
  const options = { cwd: folder, env, timeout: 60_000 };
  const words = [
    "router",
    "--port",
    "0",
    "--kubernetes-service",
    "workers",
    "--model",
    "loci-demo",
  ];
  await expect(run(command, words, options)).rejects.toMatchObject({
    stderr: expect.stringContaining("npm install @kubernetes/client-node@2"),
  });
});

async function addressOf(output: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const part of output) {
    text += part.toString("utf8");
    const url = /(http:\/\/\S+)\/v1\n/.exec(text)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`the server ended: ${text}`);
}
