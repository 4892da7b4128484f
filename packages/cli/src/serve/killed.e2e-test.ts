// kill -9 under load, again and again: clients hold conversations, the server dies in the midst of
// their turns, and comes back on the same store. No acknowledged turn may be lost, changed or
// doubled, and a turn sent again under its key is there exactly once.
//
// LOCI_KILL_ROUNDS makes it longer.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { assert, Random } from "@loci/core";
import { OpenAI } from "openai";
import { expect, test } from "vitest";

import { LociProcess } from "../testing/loci-process.ts";

const rounds = Number(process.env["LOCI_KILL_ROUNDS"] ?? "6");
const timeout = 60_000 + rounds * 30_000;
const clients = 6;
/** The server dies after so many events of all clients, at most. */
const eventsMax = 160;

/** One user: a conversation, what was acknowledged in it, and the turn that is on its way. */
interface User {
  readonly conversation: string;
  /** Input and answer of each acknowledged turn. */
  readonly acknowledged: (readonly [string, string])[];
  readonly stream: boolean;
}

interface Round {
  readonly client: OpenAI;
  /** Called at each event; kills the server at some of them. */
  readonly note: () => void;
}

async function sayNext(user: User, { client, note }: Round): Promise<void> {
  const turn = user.acknowledged.length;
  const input = `turn ${turn}`;
  const headers = { "idempotency-key": `${user.conversation}-${turn}` };
  const body = { conversation: user.conversation, input, max_output_tokens: 6, seed: turn };
  if (!user.stream) {
    const response = await client.responses.create(body, { headers });
    user.acknowledged.push([input, response.output_text]);
    note();
    return;
  }
  const stream = await client.responses.create({ ...body, stream: true }, { headers });
  for await (const event of stream) {
    if (event.type === "response.completed" || event.type === "response.incomplete") {
      user.acknowledged.push([input, textOf(event.response)]);
    }
    note();
  }
}

function textOf(response: OpenAI.Responses.Response): string {
  const [item] = response.output;
  const [part] = item?.type === "message" ? item.content : [];
  return part?.type === "output_text" ? part.text : "";
}

/** Talks until the server is gone. */
async function talk(user: User, round: Round): Promise<void> {
  try {
    for (;;) await sayNext(user, round);
  } catch (error) {
    // The connection broke, or the stream ended without its last event.
    assert(!(error instanceof OpenAI.APIError) || error.status === undefined, String(error));
  }
}

async function textsOf(client: OpenAI, conversation: string): Promise<string[]> {
  const texts: string[] = [];
  const items = client.conversations.items.list(conversation, { order: "asc", limit: 100 });
  for await (const item of items) {
    const [part] = item.type === "message" ? item.content : [];
    texts.push(part !== undefined && "text" in part ? part.text : "");
  }
  return texts;
}

test("acknowledged turns survive, once, and half turns do not", { timeout }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "loci-killed-"));
  const store = `sqlite:${join(folder, "conversations.sqlite")}`;
  const random = new Random(11);
  let users: readonly User[] = [];
  let turns = 0;
  for (let round = 0; round <= rounds; round++) {
    await using loci = new LociProcess([
      "serve",
      "--port",
      "0",
      "--kv-memory",
      "64MiB",
      "--store",
      store,
    ]);
    const baseURL = `${await loci.url()}/v1`;
    const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
    for (const user of users) {
      const told = user.acknowledged.flat();
      const texts = await textsOf(client, user.conversation);
      expect(texts.slice(0, told.length)).toEqual(told);
      // At most the turn whose answer was kept but not heard.
      expect([0, 2]).toContain(texts.length - told.length);
      // Said again under its key it is there once.
      await sayNext(user, { client, note: () => undefined });
      expect(await textsOf(client, user.conversation)).toEqual(user.acknowledged.flat());
    }
    turns += users.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
    if (round === rounds) break;
    // Begun anew each time: the model's context is short.
    users = await Promise.all(
      Array.from({ length: clients }, async (_, index) => ({
        conversation: (await client.conversations.create()).id,
        acknowledged: [],
        stream: index % 2 === 0,
      })),
    );
    let eventsLeft = random.integer(1, eventsMax);
    const note = (): void => {
      if (--eventsLeft === 0) loci.kill("SIGKILL");
    };
    await Promise.all(users.map((user) => talk(user, { client, note })));
  }
  expect(turns).toBeGreaterThan(rounds * clients);
  await rm(folder, { recursive: true });
});
