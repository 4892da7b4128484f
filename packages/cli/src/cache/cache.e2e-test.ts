// `loci cache` against a real server.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { OpenAI } from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";

import { LociProcess, runLoci } from "../testing/loci-process.ts";
import type { CacheExplanation } from "./cache-client.ts";

const model = "loci-demo";
const told = "My name is Ada and my favourite colour is green.";

let folder = "";
let server: LociProcess;
let url = "";
let client: OpenAI;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loci-cache-"));
  const store = ["--store", `sqlite:${join(folder, "store.sqlite")}`];
  const disk = ["--kv-disk-path", join(folder, "kv"), "--kv-disk-free-floor", "0"];
  const room = ["--kv-memory", "16MiB", "--threads", "1"];
  server = new LociProcess(["serve", "--port", "0", ...room, ...disk, ...store]);
  url = await server.url();
  client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
}, 60_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function cache(...words: readonly string[]): Promise<string> {
  const { code, out, err } = await runLoci(["cache", ...words, "--url", url]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return out;
}

async function explain(...words: readonly string[]): Promise<CacheExplanation> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of the server's schemas
  return JSON.parse(await cache("explain", ...words, "--json")) as CacheExplanation;
}

async function chatFile(content: string): Promise<string> {
  const path = join(folder, "chat.json");
  await writeFile(path, JSON.stringify({ messages: [{ role: "user", content }] }));
  return path;
}

test("tells what is cached, why a prompt hits, and forgets it", async () => {
  const messages = [{ role: "user" as const, content: told }];
  await client.chat.completions.create({ model, messages, max_tokens: 8 });
  expect(await cache("stats")).toMatch(/^device +\d+ of \d+ tokens[^]*^disk [^]*^prompts /m);
  expect(await cache("ls")).toMatch(/^\d+ tokens \(\d+ device\), idle \d+ s\n {2}".*green/m);

  const same = await explain("--file", await chatFile(told));
  expect(same.known_tokens).toBe(same.prompt_tokens);
  const file = await chatFile(told.replace("green", "amber"));
  const other = await explain("--file", file);
  expect(other.known_tokens).toBeLessThan(other.prompt_tokens);
  expect(other.known_tokens).toBeGreaterThan(5);
  expect(await cache("explain", "--file", file)).toMatch(/The first that is not, at \d+, is "/);

  expect(await cache("rm", "--file", await chatFile(told))).toMatch(/^[1-9]\d* blocks forgotten/);
  expect((await explain("--file", await chatFile(told))).known_tokens).toBeLessThan(5);
});

test("explains a response by its id", async () => {
  const first = await client.responses.create({ model, input: told, max_output_tokens: 8 });
  const explanation = await explain(first.id);
  // The last token of an answer was never fed to the model.
  expect(explanation.known_tokens).toBeGreaterThanOrEqual(explanation.prompt_tokens - 2);
  expect(explanation.fork).toBeNull();
  expect(await cache("rm", "--all")).toMatch(/^[1-9]\d* blocks forgotten/);
  expect(await cache("ls")).toBe("Nothing is cached.\n");
});

test("says what is wrong with what it was given", async () => {
  const without = await runLoci(["cache", "explain", "--url", url]);
  expect(without.code).toBe(2);
  expect(without.err).toContain("Give a prompt or --file");
  const unknown = await runLoci(["cache", "explain", "resp_none", "--url", url]);
  expect(unknown.code).toBe(1);
  expect(unknown.err).toContain("404");
  const nobody = await runLoci(["cache", "stats", "--url", "http://127.0.0.1:9"]);
  expect(nobody.err).toContain("No server answers");
});
