// Kills a process that writes to the store, at random moments and at named points, again and again on
// the same file. Every acknowledged turn must be there afterwards, byte for byte; none half, none twice.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { assert, Random } from "@loci/core";
import { describe, expect, it } from "vitest";

import { openStore } from "../open-store.ts";
import type { Store } from "../store.ts";
import { conversationCount, expectedItems, expectedTurn, tenant } from "../testing/crash-turns.ts";

const rounds = Number(process.env["LOCI_CRASH_ROUNDS"] ?? 30);
/** Then a new file, so that long runs do not read ever longer histories. */
const roundsPerFile = 15;
const script = fileURLToPath(new URL("../testing/crash-child.ts", import.meta.url));
const points = ["none", "before-commit", "before-acknowledge", "in-checkpoint"] as const;

/** Turns looked at in full after each round, the newest; the items of all are looked at. */
const checkedTurnsMax = 100;

interface Acknowledged {
  readonly conversationId: string;
  readonly number: number;
  readonly responseId: string;
}

describe("a killed process", () => {
  it(
    "loses no acknowledged turn, and leaves none half or twice",
    { timeout: 60_000 + rounds * 5_000 },
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "loci-crash-"));
      const random = new Random(5);
      let acknowledged = 0;
      for (let first = 0; first < rounds; first += roundsPerFile) {
        const path = join(folder, `store${first}.db`);
        acknowledged += await surviveRounds(path, first, random);
      }
      expect(acknowledged).toBeGreaterThan(rounds);
      await rm(folder, { recursive: true });
    },
  );
});

/** Rounds on one file, each of which begins with what the one before left. Returns acknowledged turns. */
async function surviveRounds(path: string, first: number, random: Random): Promise<number> {
  const acknowledged: Acknowledged[] = [];
  let countsBefore: readonly number[] = [];
  const end = Math.min(rounds, first + roundsPerFile);
  for (let round = first; round < end; round++) {
    const point = points[round % points.length] ?? "none";
    const size = random.integer(1, 60);
    const told = await runUntilKilled([path, `run${round}`, point, String(size)], size);
    acknowledged.push(...told);
    const counts = await checkStore(path, acknowledged);
    for (const [index, count] of counts.entries()) {
      const added = count - (countsBefore[index] ?? 0);
      const known = told.filter(({ conversationId }) => conversationId === `conv_${index}`);
      // The last one may have been killed between its commit and its acknowledgement.
      expect([known.length, known.length + 1]).toContain(added);
    }
    countsBefore = counts;
  }
  return acknowledged.length;
}

/** Turns that the child was told are kept. It is killed after `size` of them, unless it dies itself. */
async function runUntilKilled(args: readonly string[], size: number): Promise<Acknowledged[]> {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once("close", (_code, signal) => resolve(signal));
  });
  const acknowledged: Acknowledged[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === "ready") continue;
    const [conversationId = "", number, responseId = ""] = line.split(" ");
    acknowledged.push({ conversationId, number: Number(number), responseId });
    if (args[2] === "none" && acknowledged.length === size) child.kill("SIGKILL");
  }
  expect(await ended).toBe("SIGKILL");
  return acknowledged;
}

async function checkStore(path: string, acknowledged: readonly Acknowledged[]): Promise<number[]> {
  const store = await openStore(path);
  await store.checkIntegrity();
  await Promise.all(acknowledged.slice(-checkedTurnsMax).map((turn) => checkTurn(store, turn)));
  const counts: number[] = [];
  for (let index = 0; index < conversationCount; index++) {
    counts.push(await countTurns(store, `conv_${index}`));
  }
  await store.close();
  return counts;
}

async function checkTurn(store: Store, turn: Acknowledged): Promise<void> {
  const { key, input, output, tokens, reply } = expectedTurn(turn.conversationId, turn.number);
  const response = await store.responses.read(tenant, turn.responseId);
  expect(response).toMatchObject({
    status: "completed",
    inputItems: [input],
    outputItems: [output],
  });
  const read = await store.responses.readTokens(tenant, turn.responseId);
  assert(read !== null && isEqual(read.promptTokens, tokens.promptTokens), "prompt as it was");
  assert(isEqual(read.answerTokens, tokens.answerTokens), "answer as it was");
  const claim = { key, requestDigest: "digest", createdUnixSeconds: 0 };
  expect(await store.idempotency.claim(tenant, claim)).toEqual({ state: "finished", reply });
}

function isEqual(first: Int32Array, second: Int32Array): boolean {
  return Buffer.from(first.buffer).equals(Buffer.from(second.buffer));
}

/** Checks that all its turns are there in order, once. */
async function countTurns(store: Store, id: string): Promise<number> {
  const history = await store.conversations.readHistory(tenant, id);
  if (!history) return 0;
  expect(history.busyResponseId).toBeNull();
  const turns = history.items.length / 2;
  const expected = Array.from({ length: turns }, (_, number) => expectedItems(id, number));
  assert(JSON.stringify(history.items) === JSON.stringify(expected.flat()), "history as it was");
  return turns;
}
