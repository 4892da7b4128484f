import { Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { EventMirror } from "../testing/event-mirror.ts";
import { AssumedBlocks } from "./assumed-blocks.ts";
import { sequenceOf } from "./assumed-cache.ts";
import type { Sequence } from "./assumed-cache.ts";

const blockTokens = 4;

function sequence(tokens: readonly number[]): Sequence {
  return sequenceOf("", Int32Array.from(tokens), blockTokens);
}

function opened(blocksMax: number): {
  readonly blocks: AssumedBlocks;
  readonly mirror: EventMirror;
} {
  const mirror = new EventMirror();
  return { mirror, blocks: new AssumedBlocks({ blocksMax, blockTokens, onEvents: mirror.apply }) };
}

/** A request comes, is computed and ends; `found`: blocks more than believed that the engine found. */
function ask(blocks: AssumedBlocks, prompt: Sequence, found = 0): void {
  const use = blocks.send(prompt);
  use.found(use.believedTokens + found * blockTokens);
  use.computed();
  use.ended(prompt);
}

describe("AssumedBlocks", () => {
  it("holds what was used, and tells all of it", () => {
    const random = new Random(3);
    const { blocks, mirror } = opened(20);
    for (let step = 0; step < 500; step++) {
      const length = random.integer(1, 30);
      const prompt = sequence(Array.from({ length }, () => random.integer(0, 1)));
      ask(blocks, prompt, random.next() < 0.2 ? random.integer(-4, 4) : 0);
      expect(blocks.heldOf(prompt.names)).toBe(prompt.names.length);
      blocks.checkIntegrity();
      expect(new Set(blocks.held().flatMap((one) => Array.from(one.blocks)))).toEqual(mirror.held);
    }
  });

  it("gives up the least recently used, ends before beginnings", () => {
    const { blocks } = opened(4);
    const [first, second] = [sequence([1, 1, 1, 1, 2, 2, 2, 2]), sequence(Array(12).fill(5))];
    ask(blocks, first);
    ask(blocks, second);
    expect([blocks.heldOf(first.names), blocks.heldOf(second.names)]).toEqual([1, 3]);
    ask(blocks, sequence([1, 1, 1, 1]));
    ask(blocks, sequence([9, 9, 9, 9]));
    expect([blocks.heldOf(first.names), blocks.heldOf(second.names)]).toEqual([1, 2]);
  });

  it("learns from what the engine found how much room it has, also beyond its first memory", () => {
    const { blocks } = opened(100);
    for (let id = 0; id < 100; id++) ask(blocks, sequence(Array(4).fill(id)));
    expect(blocks.size).toBe(100);
    const kept = sequence(Array(16).fill(99));
    for (let time = 0; time < 5; time++) ask(blocks, kept, -2);
    expect(blocks.size).toBeLessThan(65);
    const { room } = blocks;
    for (let time = 0; time < 5; time++) ask(blocks, kept);
    expect(blocks.room).toBeGreaterThan(room);
    for (let time = 0; time < 100; time++) ask(blocks, kept, -2);
    expect(blocks.room).toBe(16);
    for (let time = 0; time < 200; time++) ask(blocks, kept);
    expect(blocks.room).toBe(100);
    for (let time = 0; time < 200; time++) ask(blocks, kept, 2);
    expect(blocks.room).toBe(1600);
  });

  it("forgets all at a restart, and what is still under way with it", () => {
    const { blocks, mirror } = opened(10);
    ask(blocks, sequence(Array(16).fill(5)));
    const use = blocks.send(sequence(Array(16).fill(6)));
    blocks.restart();
    const told = mirror.held.size;
    use.computed();
    use.ended(sequence(Array(16).fill(6)));
    expect(blocks.held()).toEqual([]);
    expect(mirror.held.size).toBe(told);
  });
});
