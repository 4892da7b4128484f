import { describe, expect, it } from "vitest";
import { BlockDirectory } from "./block-directory.ts";
import { PrefixMatches } from "./prefix-matches.ts";

function directoryOf(workers: number, blocksMax = 1000): BlockDirectory {
  const directory = new BlockDirectory({ blocksMax, workersMax: 8 });
  for (let slot = 0; slot < workers; slot++) directory.addWorker(slot);
  return directory;
}

function namesFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

describe("BlockDirectory", () => {
  it("counts each block once, in the fastest memory, and the prefix without gaps", () => {
    const directory = directoryOf(2);
    directory.apply(0, { type: "stored", tier: "device", blocks: [1, 2] });
    directory.apply(0, { type: "stored", tier: "host", blocks: [2, 3, 5] });
    directory.apply(1, { type: "stored", tier: "disk", blocks: [2, 3] });
    const matches = new PrefixMatches(8);
    directory.match(Float64Array.of(1, 2, 3, 4, 5), matches);
    expect([matches.device[0], matches.host[0], matches.disk[0]]).toEqual([2, 2, 0]);
    expect([matches.devicePrefix[0], matches.hostPrefix[0]]).toEqual([2, 1]);
    expect([matches.disk[1], matches.diskPrefix[1]]).toEqual([2, 0]);
    expect([matches.prefix(0), matches.prefix(1)]).toEqual([3, 0]);
  });

  it("takes what is expected for held until an event or the time says otherwise", () => {
    const directory = directoryOf(1);
    const names = Float64Array.of(1, 2);
    const matches = new PrefixMatches(8);
    directory.speculate(0, names, 2000);
    directory.match(names, matches);
    expect(matches.prefix(0)).toBe(2);
    expect(directory.holders(1)).toEqual([]);
    directory.apply(0, { type: "stored", tier: "device", blocks: [1] });
    directory.expire(2000);
    directory.match(names, matches);
    expect(matches.prefix(0)).toBe(1);
    expect(directory.holders(1)).toEqual([0]);
  });

  it("forgets a worker that left", () => {
    const directory = directoryOf(3);
    for (const slot of [2, 0]) {
      directory.apply(slot, { type: "stored", tier: "device", blocks: [7] });
    }
    expect(directory.holders(7)).toEqual([0, 2]);
    directory.removeWorker(0);
    expect(directory.holders(7)).toEqual([2]);
    directory.addWorker(0);
    expect(directory.holders(7)).toEqual([2]);
  });

  it("counts uses within the window of two halves", () => {
    const directory = directoryOf(1);
    const names = Float64Array.of(9);
    for (const nowMs of [0, 1000, 89_999, 90_000]) directory.use(names, nowMs);
    expect(directory.sharing(9, 90_000)).toBe(4);
    expect(directory.sharing(9, 180_000)).toBe(1);
    expect(directory.sharing(9, 270_000)).toBe(0);
  });

  it("keeps its bound", () => {
    const directory = directoryOf(1, 10);
    for (let name = 1; name <= 100; name++) {
      directory.apply(0, { type: "stored", tier: "device", blocks: [name] });
    }
    expect(directory.blockCount).toBe(10);
    directory.checkIntegrity();
  });

  it("lets those go first that nobody used for long", () => {
    const directory = directoryOf(1, 3200);
    const hot = namesFrom(1, 320);
    for (let round = 0; round < 200; round++) {
      const blocks = namesFrom(1000 + round * 90, 90);
      directory.apply(0, { type: "stored", tier: "device", blocks });
      directory.expire(round * 100);
      // Told of once; only use keeps them.
      if (round === 60) directory.apply(0, { type: "stored", tier: "device", blocks: hot });
      if (round >= 60) directory.use(Float64Array.from(hot), round * 100);
    }
    expect(hot.filter((name) => directory.holders(name).length > 0)).toEqual(hot);
    expect(directory.blockCount).toBe(3000);
  });

  it("takes little memory for blocks that come and go together", () => {
    const directory = new BlockDirectory({ blocksMax: 40_000, workersMax: 256 });
    for (let slot = 0; slot < 256; slot++) directory.addWorker(slot);
    for (let prompt = 0; prompt < 100; prompt++) {
      const blocks = namesFrom(1 + prompt * 400, 400);
      directory.apply(prompt, { type: "stored", tier: "device", blocks });
      directory.apply(prompt + 100, { type: "stored", tier: "host", blocks });
    }
    expect(directory.blockCount).toBe(40_000);
    expect(directory.bytes / 40_000).toBeLessThan(32);
  });
});
