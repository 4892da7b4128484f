// What clients write and what they are answered is in no log line, at no level, whichever route they
// use and however their request fails.

import { openStore } from "@loci/store";
import { byteTokens, testServer } from "@loci/server/testing";
import type { TestServer } from "@loci/server/testing";
import { expect, test } from "vitest";

import { createLogger } from "../serve/logger.ts";

const said = "xylophone-quartz";
const answered = "marzipan-zeppelin";
const secret = "key-of-somebody-and-nobody-else";

interface Logged {
  readonly server: TestServer;
  readonly lines: string[];
  /** Registered, as `POST /v1/…`. */
  readonly routes: string[];
}

async function open(format: "json" | "text", failure: Error | null): Promise<Logged> {
  const lines: string[] = [];
  const routes: string[] = [];
  const logger = createLogger({ level: "trace", format, write: (line) => lines.push(line) });
  const store = await openStore(":memory:");
  const script = { tokens: byteTokens(answered), ...(failure !== null && { failure }) };
  const server = testServer(script, { logger, store, apiKeys: [secret] });
  server.app.addHook("onRoute", ({ method, url }) => {
    for (const each of [method].flat()) routes.push(`${each} ${url}`);
  });
  await server.app.ready();
  const dispose = server[Symbol.asyncDispose].bind(server);
  return {
    lines,
    routes,
    server: {
      ...server,
      [Symbol.asyncDispose]: async () => {
        await dispose();
        await store.close();
      },
    },
  };
}

const message = { role: "user", content: said };
const tool = {
  type: "function",
  function: { name: "look", description: said, parameters: { type: "object", title: said } },
};

/** Something for every field that any route has: some accept it, others say what is wrong with it. */
const everything = {
  model: said,
  prompt: said,
  messages: [message],
  input: said,
  instructions: said,
  text: said,
  stop: [said],
  tools: [tool],
  user: said,
  metadata: { title: said },
  items: [message],
};

/** These are answered. */
const accepted: readonly (readonly [string, object])[] = [
  ["/v1/chat/completions", { messages: [message], stop: [said], user: said }],
  ["/v1/chat/completions", { messages: [message], stream: true }],
  ["/v1/completions", { prompt: said, max_tokens: 8 }],
  ["/v1/completions", { prompt: said, stream: true, echo: true }],
  ["/v1/responses", { input: said, instructions: said, metadata: { title: said } }],
  ["/v1/responses", { input: said, stream: true, store: false }],
  ["/v1/responses/input_tokens", { input: said }],
  ["/v1/conversations", { items: [message], metadata: { title: said } }],
  ["/v1/messages", { messages: [message], max_tokens: 8, system: said }],
  ["/tokenize", { prompt: said }],
];

interface Used {
  readonly asked: number;
  /** Of the requests that can be answered. */
  readonly statuses: ReadonlySet<number>;
}

/** All that a client can do, once with each route. */
async function useEveryRoute({ server, routes }: Logged): Promise<Used> {
  const headers = { authorization: `Bearer ${secret}`, "x-session-id": said };
  const json = { ...headers, "content-type": "application/json" };
  const statuses = new Set<number>();
  for (const [path, body] of accepted) {
    statuses.add((await server.post(path, body, headers)).status);
  }
  let asked = 0;
  for (const route of new Set(routes)) {
    const [method = "", pattern = ""] = route.split(" ");
    if (!isAsked(method) || pattern === "/loci/live") continue;
    const url = `${pattern.replaceAll(/:[a-zA-Z]+|\*/g, said)}?query=${said}&after=${said}`;
    const payloads = [JSON.stringify(everything), `{"prompt": ${said}`, `"${said}"`];
    for (const payload of method === "POST" ? payloads : [""]) {
      asked++;
      await (payload === ""
        ? server.app.inject({ method, url, headers })
        : server.app.inject({ method, url, headers: json, payload }));
    }
  }
  return { asked, statuses };
}

function isAsked(method: string): method is "GET" | "POST" | "DELETE" {
  return method === "GET" || method === "POST" || method === "DELETE";
}

test.each(["json", "text"] as const)("as %s: nothing that was said or answered", async (format) => {
  const logged = await open(format, null);
  await using server = logged.server;
  const { asked, statuses } = await useEveryRoute(logged);
  expect(asked).toBeGreaterThan(30);
  expect([...statuses]).toEqual([200]);
  expect(server.service.generatedTokens).toBeGreaterThan(0);
  const text = logged.lines.join("");
  expect(logged.lines.length).toBeGreaterThan(30);
  for (const word of [said, answered, secret]) expect(text).not.toContain(word);
});

test("neither when generating fails", async () => {
  const logged = await open("json", new Error("something broke"));
  await using server = logged.server;
  expect([...(await useEveryRoute(logged)).statuses]).toContain(500);
  expect(server.service.live).toBe(0);
  const text = logged.lines.join("");
  expect(text).toContain("something broke");
  for (const word of [said, answered, secret]) expect(text).not.toContain(word);
});
