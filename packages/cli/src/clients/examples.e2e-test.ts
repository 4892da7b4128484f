// Every file of examples/ is run as its reader would run it, against a real server.

import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, expect, test } from "vitest";

import { startToolServer, type ToolServer } from "./testing/tool-server.ts";

const folder = fileURLToPath(new URL("../../../../examples/", import.meta.url));

/** What each says when it works. */
const expected: Readonly<Record<string, RegExp>> = {
  "ai-sdk.ts": /\d+ tokens in, \d+ out\ncity: .*, since: \d{4}\n$/s,
  "anthropic-messages.ts": /^\S.*\nended by \w+; prompt tokens: \d+ from the cache,\n/,
  "conversations.ts": /green\b.*\([1-9]\d* tokens from the cache\)\n4 messages are kept\n$/,
  "curl.sh": /chat\.completion.*\[DONE\].*"type":"message".*"tokens":\[/s,
  "json-schema.ts": /^name: .*, age: \d+, likes: (tea|coffee)\n$/s,
  "langchain.ts": /loci.*\ncity: /s,
  "openai-chat.ts": /loci.*\n\d+ tokens in, \d+ of them cached; \d+ out\n$/,
  "tools.ts": /^asked for the temperature at: .*\n.+/s,
};

/** Run by tests of their own. */
const elsewhere: ReadonlySet<string> = new Set(["README.md", "library.ts"]);

let server: ToolServer;

beforeAll(async () => {
  server = await startToolServer();
}, 120_000);
afterAll(() => server[Symbol.asyncDispose]());

test("every example is run", () => {
  const files = readdirSync(folder).filter((file) => !elsewhere.has(file));
  expect(files.toSorted()).toEqual(Object.keys(expected).toSorted());
});

test.each(Object.entries(expected))("%s", async (file, output) => {
  const { code, out, err } = await run(file);
  expect(err).toBe("");
  expect(out).toMatch(output);
  expect(code).toBe(0);
});

interface RunEnd {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function run(file: string): Promise<RunEnd> {
  const program = file.endsWith(".sh") ? "sh" : process.execPath;
  const environment = { LOCI_URL: server.url, LOCI_API_KEY: server.apiKey, NO_COLOR: "1" };
  const child = spawn(program, [`${folder}${file}`], { env: { ...process.env, ...environment } });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, out, err }));
  });
}
