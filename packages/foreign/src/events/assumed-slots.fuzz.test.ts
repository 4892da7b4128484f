// What is assumed of a llama-server against a model of its memory, token by token, that gets the same
// requests: many at once, with shared beginnings, some of which wait for a slot.

import { blockNames, Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { EventMirror } from "../testing/event-mirror.ts";
import { SlotServer } from "../testing/slot-server.ts";
import type { SlotStay } from "../testing/slot-server.ts";
import type { CacheUse } from "./assumed-cache.ts";
import { AssumedSlots } from "./assumed-slots.ts";

const blockTokens = 4;
const slots = 3;
const requests = 400;

interface Asked {
  readonly prompt: readonly number[];
  readonly use: CacheUse;
  stay: SlotStay | null;
}

interface Rooms {
  /** That the server has beside its slots. */
  readonly savedTokensMax: number;
  /** That it says its slots have. */
  readonly blocksMax: number;
}

/** A llama-server, and what is assumed of it by whoever sends it these requests. */
class Pair {
  readonly mirror: EventMirror = new EventMirror();
  readonly assumed: AssumedSlots;
  /** Whether each request's find was known beforehand. */
  readonly wasRight: boolean[] = [];
  readonly #server: SlotServer;
  #running: Asked[] = [];
  #waiting: Asked[] = [];
  #answers = 0;

  constructor({ savedTokensMax, blocksMax }: Rooms) {
    this.#server = new SlotServer({ slots, savedTokensMax });
    this.assumed = new AssumedSlots({ slots, blocksMax, onEvents: this.mirror.apply });
  }

  get underWay(): number {
    return this.#running.length + this.#waiting.length;
  }

  send(prompt: readonly number[]): void {
    const use = this.assumed.send(blockNames("", Int32Array.from(prompt), blockTokens));
    this.#waiting.push({ prompt, use, stay: null });
    this.#begin(use.believedBlocks);
  }

  end(place: number): void {
    const [asked] = this.#running.splice(place % this.#running.length, 1);
    if (asked === undefined) return;
    const blocks = place % 3;
    const answer = Array.from({ length: blocks * blockTokens + 1 }, () => 1000 + this.#answers++);
    asked.stay?.end(answer);
    const all = Int32Array.from([...asked.prompt, ...answer]);
    asked.use.computed();
    asked.use.ended(blockNames("", all, blockTokens));
    this.#begin(null);
  }

  /** The model of the server takes up who waits; `believed`: by a request that comes now. */
  #begin(believed: number | null): void {
    while (this.#server.hasIdle) {
      const asked = this.#waiting.shift();
      if (asked === undefined) return;
      asked.stay = this.#server.begin(asked.prompt);
      const found = asked.stay.cachedTokens / blockTokens;
      asked.use.found(found);
      this.#running.push(asked);
      // Nothing but the last token of a prompt may be missing.
      if (believed !== null) this.wasRight.push(Math.ceil(found) === believed);
    }
  }
}

/** Prompts of whole blocks: one of a few beginnings, then what is their own, or an old prompt. */
function promptOf(random: Random, old: (readonly number[])[]): readonly number[] {
  const again = old[random.integer(0, 19)];
  if (again !== undefined && random.next() < 0.3) return again;
  const group = random.integer(1, 6);
  const beginning = Array.from({ length: group * blockTokens }, () => group);
  const own = random.integer(0, 3) * blockTokens;
  const prompt = [...beginning, ...Array.from({ length: own }, () => random.integer(2000, 1e9))];
  old[random.integer(0, 19)] = prompt;
  return prompt;
}

function play(rooms: Rooms, seed: number): Pair {
  const random = new Random(seed);
  const pair = new Pair(rooms);
  const old: (readonly number[])[] = [];
  for (let sent = 0; sent < requests;) {
    const isFull = pair.underWay >= slots + 2;
    if (pair.underWay === 0 || (!isFull && random.next() < 0.5)) {
      pair.send(promptOf(random, old));
      sent++;
    } else {
      pair.end(random.integer(0, 999));
    }
    pair.assumed.checkIntegrity();
    const held = pair.assumed.held().flatMap(({ blocks }) => Array.from(blocks));
    expect(new Set(held)).toEqual(pair.mirror.held);
  }
  return pair;
}

function shareRight({ wasRight }: Pair): number {
  return wasRight.filter(Boolean).length / wasRight.length;
}

describe("AssumedSlots", () => {
  it.each([1, 2, 3])("knows exactly what a server with room finds (seed %i)", (seed) => {
    expect(shareRight(play({ savedTokensMax: 1e6, blocksMax: 1000 }, seed))).toBe(1);
  });

  it.each([0, 100, 400])("learns that a server keeps only %i tokens beside its slots", (tokens) => {
    const pair = play({ savedTokensMax: tokens, blocksMax: 100 }, 4);
    expect(pair.assumed.room).toBeLessThan(200);
    expect(shareRight(pair)).toBeGreaterThan(0.7);
  });

  it("learns that a server keeps far more than its slots", () => {
    const pair = play({ savedTokensMax: 1e6, blocksMax: 4 }, 5);
    expect(pair.assumed.room).toBeGreaterThan(100);
    expect(shareRight(pair)).toBeGreaterThan(0.7);
  });
});
