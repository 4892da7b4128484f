import { blockNames } from "@loci/core";
import type { KvEvent } from "@loci/core";
import { describe, expect, it } from "vitest";
import { EventMirror } from "../testing/event-mirror.ts";
import type { CacheUse } from "./assumed-cache.ts";
import { AssumedSlots } from "./assumed-slots.ts";

const blockTokens = 4;

/** Names of blocks that are all of one token each. */
function names(...tokens: readonly number[]): Float64Array {
  const all = tokens.flatMap((token) => Array.from({ length: blockTokens }, () => token));
  return blockNames("", Int32Array.from(all), blockTokens);
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
  return { mirror, told, server: new AssumedSlots({ slots, blocksMax: 16, onEvents }) };
}

function finish(use: CacheUse, all: Float64Array): void {
  use.computed();
  use.ended(all);
}

describe("AssumedSlots", () => {
  it("holds a prompt for others only when its request has ended", () => {
    const { server, mirror, told } = opened(2);
    const prompt = names(1, 2);
    const use = server.send(prompt);
    // Who sent it expects it there at once, until it is told of it: it is, and that it is gone.
    expect(told).toEqual([
      { type: "stored", tier: "device", blocks: [...prompt] },
      { type: "removed", tier: "device", blocks: [...prompt] },
    ]);
    use.found(0);
    use.computed();
    expect([server.heldOf(prompt), mirror.held.size]).toEqual([0, 0]);
    use.ended(names(1, 2, 3));
    expect([server.heldOf(names(1, 2, 3, 4)), mirror.held.size]).toEqual([3, 3]);
  });

  it("serves as many at once as there are copies", () => {
    const { server } = opened(3);
    finish(server.send(names(1, 2)), names(1, 2, 3));
    // When another one comes, the idle slot is copied to host memory.
    finish(server.send(names(7)), names(7));
    const believed = [4, 5, 6].map((own) => server.send(names(1, 2, own)).believedBlocks);
    expect(believed).toEqual([2, 2, 0]);
    server.checkIntegrity();
  });

  it("leaves a slot as it was where the request never arrived", () => {
    const { server } = opened(1);
    finish(server.send(names(1, 2)), names(1, 2));
    server.send(names(8, 9)).ended(names(8, 9));
    expect(server.heldOf(names(1, 2))).toBe(2);
    expect(server.heldOf(names(8, 9))).toBe(0);
    const cut = server.send(names(1, 2, 3));
    cut.found(1);
    cut.ended(names(1, 2, 3));
    expect(server.heldOf(names(1, 2, 3))).toBe(2);
  });

  it("learns more room from finds that were given up, within bounds", () => {
    const { server } = opened(1);
    const { room } = server;
    for (let id = 0; id < 100; id++) {
      const use = server.send(names(id, id, id));
      use.found(3);
      finish(use, names(id, id, id));
      server.checkIntegrity();
    }
    expect(server.room).toBeGreaterThan(2 * room);
    expect(server.room).toBeLessThanOrEqual(64 * 16);
  });

  it("forgets all at a restart, and what is still under way with it", () => {
    const { server, mirror } = opened(1);
    const use = server.send(names(1));
    const waiting = server.send(names(2));
    server.restart();
    finish(use, names(1));
    finish(waiting, names(2));
    expect([server.size, mirror.held.size]).toEqual([0, 0]);
    server.checkIntegrity();
  });
});
