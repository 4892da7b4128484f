import { describe, expect, it } from "vitest";
import { RadixForest, type ForestNode } from "./radix-forest.ts";

function forestOf(workers: number, blocksMax = 1000): RadixForest {
  const forest = new RadixForest({ blocksMax, windowMs: 100 });
  for (let slot = 0; slot < workers; slot++) forest.addWorker(slot);
  return forest;
}

const of = (...names: number[]): Float64Array => Float64Array.from(names);

/** Own blocks of the runs from the root to `node`. */
function runs(node: ForestNode | null): readonly (readonly number[])[] {
  return node === null ? [] : [...runs(node.parent), [...node.names]];
}

describe("RadixForest", () => {
  it("splits a run where prompts part, and says who caches what", () => {
    const forest = forestOf(2);
    forest.assign(of(1, 2, 3, 4), 0, 0);
    forest.assign(of(1, 2, 5), 1, 1);
    forest.checkIntegrity();
    const { node, blocks } = forest.match(of(1, 2, 3, 9));
    expect(blocks).toBe(3);
    expect(runs(node)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(node?.cachedOn()).toEqual([0]);
    expect(node?.parent?.cachedOn()).toEqual([0, 1]);
    expect([node?.requests, node?.parent?.requests, node?.parent?.requestsOn(1)]).toEqual([
      1, 2, 1,
    ]);
    expect(forest.match(of(7)).node).toBeNull();
    expect([forest.nodeCount, forest.blockCount]).toEqual([3, 5]);
  });

  it("splits a run where a worker gave up the rest, and joins what no longer differs", () => {
    const forest = forestOf(1);
    forest.assign(of(1, 2, 3, 4), 0, 0);
    forest.removed(0, [4, 3, 99]);
    forest.checkIntegrity();
    const { node } = forest.match(of(1, 2, 3, 4));
    expect(runs(node)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect([node?.isCachedOn(0), node?.parent?.isCachedOn(0)]).toEqual([false, true]);
    forest.expire(100);
    forest.checkIntegrity();
    expect(runs(forest.match(of(1, 2, 3, 4)).node)).toEqual([[1, 2]]);
    forest.removed(0, [1, 2]);
    expect([forest.nodeCount, forest.blockCount]).toEqual([0, 0]);
  });

  it("counts requests within the window only, and keeps what is cached", () => {
    const forest = forestOf(1);
    forest.assign(of(1, 2), 0, 0);
    forest.assign(of(1, 2, 3), 0, 50);
    forest.assign(of(), 0, 60);
    expect(forest.requestsOn(0)).toBe(3);
    forest.expire(100);
    expect(forest.requestsOn(0)).toBe(2);
    expect(forest.match(of(1)).node?.requestsOn(0)).toBe(1);
    forest.expire(1000);
    forest.checkIntegrity();
    expect(runs(forest.match(of(1, 2, 3)).node)).toEqual([[1, 2, 3]]);
    expect([forest.nodeCount, forest.requestsOn(0)]).toEqual([1, 0]);
  });

  it("gives up the coldest leaf first", () => {
    const forest = forestOf(2);
    forest.assign(of(1, 2), 0, 0);
    forest.assign(of(1, 3), 0, 1);
    forest.assign(of(8), 1, 2);
    forest.assign(of(1, 2), 0, 3);
    expect(Array.from(forest.coldest(0), ({ names }) => names)).toEqual([of(3), of(2), of(1)]);
  });

  it("forgets a worker that left, its requests too", () => {
    const forest = forestOf(2);
    forest.assign(of(1, 2, 3), 0, 0);
    forest.assign(of(1, 2), 1, 1);
    forest.removeWorker(0);
    forest.addWorker(0);
    forest.checkIntegrity();
    expect([forest.requestsOn(0), forest.blockCount]).toEqual([0, 2]);
    expect(forest.match(of(1, 2, 3)).node?.cachedOn()).toEqual([1]);
    forest.expire(1000);
    forest.checkIntegrity();
  });

  it("keeps its bounds, and the beginning of what exceeds them", () => {
    const forest = new RadixForest({ blocksMax: 10, requestsMax: 3 });
    forest.addWorker(0);
    for (let prompt = 1; prompt < 20; prompt++) {
      forest.assign(of(1, 100 + prompt, 200 + prompt, 300 + prompt), 0, prompt);
      forest.checkIntegrity();
      expect(forest.blockCount).toBeLessThanOrEqual(10);
    }
    expect(forest.requestsOn(0)).toBe(3);
    const long = Float64Array.from({ length: 30 }, (_, index) => 1000 + index);
    forest.assign(long, 0, 20);
    forest.checkIntegrity();
    expect(forest.match(long).blocks).toBe(10);
  });
});
