// `loci sessions` and `loci ps` against a real server with a store.

import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { OpenAI } from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";

import { listMember } from "../api/json-value.ts";
import { LociProcess, runLoci } from "../testing/loci-process.ts";

let folder = "";
let server: LociProcess;
let url = "";
let client: OpenAI;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loci-sessions-"));
  const store = ["--store", `sqlite:${join(folder, "store.sqlite")}`];
  const room = ["--kv-memory", "16MiB", "--threads", "1", "--api-key", "one"];
  server = new LociProcess(["serve", "--port", "0", ...room, ...store]);
  url = await server.url();
  client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "one", maxRetries: 0 });
}, 60_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function loci(...words: readonly string[]): Promise<string> {
  const { code, out, err } = await runLoci([...words, "--url", url, "--api-key", "one"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return out;
}

async function sessions(...words: readonly string[]): Promise<unknown> {
  return JSON.parse(await loci("sessions", ...words, "--json"));
}

function linesOf(text: string): readonly string[] {
  return text.trimEnd().split("\n").toSorted();
}

/** A stored conversation of so many messages. */
async function keep(title: string, count: number): Promise<string> {
  const items = Array.from({ length: count }, (_, index) => ({
    type: "message" as const,
    role: index % 2 === 0 ? ("user" as const) : ("assistant" as const),
    content: `${title} ${index}\u001B[2J`,
  }));
  const { id } = await client.conversations.create({
    metadata: { title },
    items: items.slice(0, 20),
  });
  for (let from = 20; from < count; from += 20) {
    await client.conversations.items.create(id, { items: items.slice(from, from + 20) });
  }
  return id;
}

test("conversations are listed, shown, exported, deleted and brought back", async () => {
  expect(await loci("sessions", "ls")).toBe("No conversations are stored.\n");
  const long = await keep("about trees", 130);
  const short = await keep("about rivers", 2);
  const listed = await sessions("ls");
  expect(listed).toMatchObject({ hasMore: false });
  // Changed within the same second, they stand in either order.
  expect(listMember(listed, "sessions")).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ id: short, title: "about rivers" }),
      expect.objectContaining({ id: long, items: 130 }),
    ]),
  );
  expect(await sessions("ls", "--query", "trees")).toMatchObject({ sessions: [{ id: long }] });
  expect(await loci("sessions", "ls", "--limit", "1")).toMatch(/^ID [^]*about \w+\nThere are more/);

  const shown = await loci("sessions", "show", short);
  expect(shown).toBe("about rivers\n\nuser:\nabout rivers 0[2J\n\nassistant:\nabout rivers 1[2J\n");

  const path = join(folder, "all.jsonl");
  await loci("sessions", "export", "--all", "--out", path);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const before = await readFile(path, "utf8");
  expect(linesOf(await loci("sessions", "export", short, long))).toEqual(linesOf(before));
  await loci("sessions", "rm", short, long);
  expect(await sessions("ls")).toEqual({ sessions: [], hasMore: false });

  expect(await sessions("import", path)).toMatchObject({ imported: [{}, {}] });
  expect(linesOf(await loci("sessions", "export", "--all"))).toEqual(linesOf(before));
});

test("what is wrong is said with its code", async () => {
  const told = await runLoci(["sessions", "show", "conv_none", "--url", url, "--json"]);
  expect(JSON.parse(told.err)).toMatchObject({
    error: { code: "unauthorized", remedy: "Give its key by --api-key." },
  });
  const key = ["--api-key", "one"];
  const unknown = await runLoci(["sessions", "rm", "conv_none", "--url", url, ...key, "--json"]);
  expect(JSON.parse(unknown.err)).toMatchObject({ error: { code: "not_found" } });
  expect(unknown.code).toBe(1);
  const both = await runLoci(["sessions", "export", "--url", url, ...key]);
  expect([both.code, both.err]).toEqual([2, expect.stringContaining("--all, one of the two")]);
});

test("ps tells what the server does", async () => {
  const stop = new AbortController();
  const stream = await client.chat.completions.create(
    {
      model: "loci-demo",
      messages: [{ role: "user", content: "Count." }],
      stream: true,
      max_tokens: 1500,
      // @ts-expect-error -- an extension: the answer is still being written when it is asked for
      ignore_eos: true,
    },
    { signal: stop.signal },
  );
  await stream[Symbol.asyncIterator]().next();
  const look: unknown = JSON.parse(await loci("ps", "--json"));
  expect(look).toMatchObject({ model: { id: "loci-demo" }, service: { requestsRunning: 1 } });
  expect(await loci("ps")).toMatch(/^MODEL [^]*\nloci-demo /);
  stop.abort();
});
