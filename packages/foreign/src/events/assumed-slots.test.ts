import type { KvEvent } from "@loci/core";
import { describe, expect, it } from "vitest";
import { EventMirror } from "../testing/event-mirror.ts";
import { sequenceOf } from "./assumed-cache.ts";
import type { CacheUse, Sequence } from "./assumed-cache.ts";
import { AssumedSlots } from "./assumed-slots.ts";

const blockTokens = 4;

/** Blocks that are all of one token each. */
function blocks(...tokens: readonly number[]): Sequence {
  const all = tokens.flatMap((token) => Array.from({ length: blockTokens }, () => token));
  return sequenceOf("", Int32Array.from(all), blockTokens);
}

function opened(slots: number): {
  readonly server: AssumedSlots;
  readonly mirror: EventMirror;
  readonly told: KvEvent[];
} {
  const mirror = new EventMirror();
  const told: KvEvent[] = [];
  const onEvents = (events: readonly KvEvent[]): void => {
    mirror.apply(events);
    told.push(...events);
  };
  return {
    mirror,
    told,
    server: new AssumedSlots({ slots, tokensMax: 64, blockTokens, onEvents }),
  };
}

function finish(use: CacheUse, all: Sequence): void {
  use.computed();
  use.ended(all);
}

describe("AssumedSlots", () => {
  it("holds a prompt for others only when its request has ended", () => {
    const { server, mirror, told } = opened(2);
    const prompt = blocks(1, 2);
    const use = server.send(prompt);
    // Who sent it expects it there at once, until it is told of it: it is, and that it is gone.
    expect(told).toEqual([
      { type: "stored", tier: "device", blocks: [...prompt.names] },
      { type: "removed", tier: "device", blocks: [...prompt.names] },
    ]);
    use.found(0);
    use.computed();
    expect([server.heldOf(prompt.names), mirror.held.size]).toEqual([0, 0]);
    use.ended(blocks(1, 2, 3));
    expect([server.heldOf(blocks(1, 2, 3, 4).names), mirror.held.size]).toEqual([3, 3]);
  });

  it("serves as many at once as there are copies", () => {
    const { server } = opened(3);
    finish(server.send(blocks(1, 2)), blocks(1, 2, 3));
    // When another one comes, the idle slot is copied to host memory.
    finish(server.send(blocks(7)), blocks(7));
    const believed = [4, 5, 6].map((own) => server.send(blocks(1, 2, own)).believedTokens);
    expect(believed).toEqual([8, 8, 0]);
    server.checkIntegrity();
  });

  it("leaves a slot as it was where the request never arrived", () => {
    const { server } = opened(1);
    finish(server.send(blocks(1, 2)), blocks(1, 2));
    server.send(blocks(8, 9)).ended(blocks(8, 9));
    expect(server.heldOf(blocks(1, 2).names)).toBe(2);
    expect(server.heldOf(blocks(8, 9).names)).toBe(0);
    const cut = server.send(blocks(1, 2, 3));
    cut.found(4);
    cut.ended(blocks(1, 2, 3));
    expect(server.heldOf(blocks(1, 2, 3).names)).toBe(2);
  });

  it("learns more room from finds that were given up, within bounds", () => {
    const { server } = opened(1);
    const { room } = server;
    for (let id = 0; id < 100; id++) {
      const use = server.send(blocks(id, id, id));
      use.found(12);
      finish(use, blocks(id, id, id));
      server.checkIntegrity();
    }
    expect(server.room).toBeGreaterThan(2 * room);
    expect(server.room).toBeLessThanOrEqual(64 * 64);
  });

  it("forgets all at a restart, and what is still under way with it", () => {
    const { server, mirror } = opened(1);
    const use = server.send(blocks(1));
    const waiting = server.send(blocks(2));
    server.restart();
    finish(use, blocks(1));
    finish(waiting, blocks(2));
    expect([server.size, mirror.held.size]).toEqual([0, 0]);
    server.checkIntegrity();
  });
});
