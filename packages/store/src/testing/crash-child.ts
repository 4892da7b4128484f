// A process that holds conversations as fast as it can, until it is killed. It writes one line for each
// turn that the store acknowledged, and only then. Turns are a function of their conversation and
// number, so whoever reads the store afterwards knows what must be there.
//
// Arguments: path of the database, name of this run, crash point or "none", write group of the crash.

import { writeSync } from "node:fs";

import { assert } from "@loci/core";

import { ProgramStore } from "../program-store.ts";
import { SqliteRunner } from "../sqlite/sqlite-runner.ts";
import type { CrashPoint } from "../sqlite/worker-messages.ts";
import type { Conversation } from "../records.ts";
import type { Store } from "../store.ts";
import { conversationCount, expectedTurn, tenant } from "./crash-turns.ts";

const points: readonly CrashPoint[] = ["before-commit", "before-acknowledge", "in-checkpoint"];
const startSeconds = 1_800_000_000;

async function main(): Promise<void> {
  const [path = "", run = "", pointName = "none", group = "0"] = process.argv.slice(2);
  const point = points.find((each) => each === pointName);
  const crash = point ? { point, group: Number(group) } : null;
  const runner = await SqliteRunner.open({ path, pagesMax: 1_000_000, crash }, () =>
    process.kill(process.pid, "SIGKILL"),
  );
  while ((await runner.run("interruptTurns", { nowUnixSeconds: startSeconds })) > 0);
  const store = new ProgramStore(runner);
  say("ready");
  await Promise.all(
    Array.from({ length: conversationCount }, (_, index) => converse(store, `conv_${index}`, run)),
  );
}

/** Never returns: someone kills the process. */
async function converse(store: Store, conversationId: string, run: string): Promise<void> {
  const known = await store.conversations.readHistory(tenant, conversationId);
  let { version, itemCount } = known ?? (await create(store, conversationId));
  for (;;) {
    const number = itemCount / 2;
    const { key, input, output, tokens, reply } = expectedTurn(conversationId, number);
    const responseId = `${key}_${run}`;
    const claim = { key, requestDigest: "digest", createdUnixSeconds: startSeconds };
    const claimed = await store.idempotency.claim(tenant, claim);
    assert(claimed.state === "claimed", "no turn is executed twice");
    const begun = await store.turns.begin(tenant, {
      id: responseId,
      createdUnixSeconds: startSeconds,
      status: "in_progress",
      conversation: { id: conversationId, version },
      previousResponseId: null,
      parameters: {},
      inputItems: [input],
    });
    assert(begun.outcome === "done", "nobody else is on the conversation");
    const done = await store.turns.commit(tenant, {
      id: responseId,
      status: "completed",
      endedUnixSeconds: startSeconds,
      outputItems: [output],
      usage: null,
      error: null,
      incompleteDetails: null,
      notes: null,
      isHistory: true,
      tokens,
      idempotency: { key, reply },
    });
    assert(done.outcome === "done" && done.conversation !== null, "the turn is committed");
    ({ version, itemCount } = done.conversation);
    say(`${conversationId} ${number} ${responseId}`);
  }
}

async function create(store: Store, id: string): Promise<Conversation> {
  const created = { id, createdUnixSeconds: startSeconds, metadata: {}, items: [] };
  return await store.conversations.create(tenant, created);
}

/** At once and unbuffered: what is said before a kill is said. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

await main();
