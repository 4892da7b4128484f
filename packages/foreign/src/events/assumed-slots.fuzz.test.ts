// What is assumed of a llama-server against a model of its memory, token by token, that gets the same
// requests: many at once, with shared beginnings, some of which wait for a slot.

import { Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { EventMirror } from "../testing/event-mirror.ts";
import { SlotServer } from "../testing/slot-server.ts";
import type { SlotStay } from "../testing/slot-server.ts";
import { sequenceOf } from "./assumed-cache.ts";
import type { CacheUse, Sequence } from "./assumed-cache.ts";
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
  readonly tokensMax: number;
}

function sequence(tokens: readonly number[]): Sequence {
  return sequenceOf("", Int32Array.from(tokens), blockTokens);
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

  constructor({ savedTokensMax, tokensMax }: Rooms) {
    this.#server = new SlotServer({ slots, savedTokensMax });
    this.assumed = new AssumedSlots({ slots, tokensMax, blockTokens, onEvents: this.mirror.apply });
  }

  get underWay(): number {
    return this.#running.length + this.#waiting.length;
  }

  send(prompt: readonly number[]): void {
    const use = this.assumed.send(sequence(prompt));
    this.#waiting.push({ prompt, use, stay: null });
    this.#begin(use.believedTokens);
  }

  end(place: number): void {
    const [asked] = this.#running.splice(place % this.#running.length, 1);
    if (asked === undefined) return;
    const answer = Array.from({ length: 1 + (place % 12) }, () => 1000 + this.#answers++);
    asked.stay?.end(answer);
    asked.use.computed();
    asked.use.ended(sequence([...asked.prompt, ...answer.slice(0, -1)]));
    this.#begin(null);
  }

  /** The model of the server takes up who waits; `believed`: by a request that comes now. */
  #begin(believed: number | null): void {
    while (this.#server.hasIdle) {
      const asked = this.#waiting.shift();
      if (asked === undefined) return;
      asked.stay = this.#server.begin(asked.prompt);
      const { cachedTokens: found } = asked.stay;
      asked.use.found(found);
      this.#running.push(asked);
      // A prompt's last token is always computed.
      const most = asked.prompt.length - 1;
      if (believed !== null) this.wasRight.push(found === Math.min(believed, most));
    }
  }
}

/** One of a few beginnings, then what is its own; or an old prompt again. */
function promptOf(random: Random, old: (readonly number[])[]): readonly number[] {
  const again = old[random.integer(0, 19)];
  if (again !== undefined && random.next() < 0.3) return again;
  const group = random.integer(1, 6);
  const beginning = Array.from({ length: 5 * group }, () => group);
  const own = random.integer(0, 12);
  const prompt = [...beginning, ...Array.from({ length: own }, () => random.integer(10, 99))];
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
    expect(shareRight(play({ savedTokensMax: 1e6, tokensMax: 4000 }, seed))).toBe(1);
  });

  it.each([0, 100, 400])("learns that a server keeps only %i tokens beside its slots", (tokens) => {
    const pair = play({ savedTokensMax: tokens, tokensMax: 400 }, 4);
    expect(pair.assumed.room).toBeLessThan(800);
    expect(shareRight(pair)).toBeGreaterThan(0.7);
  });

  it("learns that a server keeps far more than its slots", () => {
    const pair = play({ savedTokensMax: 1e6, tokensMax: 16 }, 5);
    expect(pair.assumed.room).toBeGreaterThan(400);
    expect(shareRight(pair)).toBeGreaterThan(0.7);
  });
});
