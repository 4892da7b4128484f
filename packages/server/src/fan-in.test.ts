import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fanIn, type Indexed } from "./fan-in.ts";

async function* counted(count: number, turns: number): AsyncGenerator<number> {
  for (let item = 0; item < count; item++) {
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    yield item;
  }
}

async function* failing(): AsyncGenerator<number> {
  yield await Promise.resolve(7);
  throw new Error("broken");
}

async function all<T>(merged: AsyncIterable<Indexed<T>>): Promise<Indexed<T>[]> {
  const items: Indexed<T>[] = [];
  for await (const item of merged) items.push(item);
  return items;
}

test("every source comes through whole and in its own order", async () => {
  const sources = fc.array(fc.record({ count: fc.nat(8), turns: fc.nat(5) }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(sources, async (specs) => {
      const merged = await all(fanIn(specs.map(({ count, turns }) => counted(count, turns))));
      for (const [index, { count }] of specs.entries()) {
        const own = merged.filter((entry) => entry.index === index).map((entry) => entry.item);
        expect(own).toEqual(Array.from({ length: count }, (_, item) => item));
      }
    }),
    { seed: 3, numRuns: 100 },
  );
});

test("a source is not asked for more than one item ahead", async () => {
  let produced = 0;
  async function* source(): AsyncGenerator<number> {
    for (;;) yield await Promise.resolve(produced++);
  }
  const merged = fanIn([source()]);
  await merged.next();
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  expect(produced).toBe(1);
  await merged.return(undefined);
});

test("the first failure ends all, after what came before it", async () => {
  const closed: string[] = [];
  async function* endless(): AsyncGenerator<number> {
    try {
      for (;;) yield await Promise.resolve(1);
    } finally {
      closed.push("endless");
    }
  }
  const seen: number[] = [];
  const run = async (): Promise<void> => {
    for await (const { index, item } of fanIn([endless(), failing()])) {
      if (index === 1) seen.push(item);
    }
  };
  await expect(run()).rejects.toThrow("broken");
  expect(seen).toEqual([7]);
  await Promise.resolve();
  expect(closed).toEqual(["endless"]);
});

test("leaving early closes every source", async () => {
  const closed: number[] = [];
  async function* source(id: number): AsyncGenerator<number> {
    try {
      for (;;) yield await Promise.resolve(id);
    } finally {
      closed.push(id);
    }
  }
  for await (const { index } of fanIn([source(0), source(1), source(2)])) if (index === 2) break;
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  expect(closed.toSorted((left, right) => left - right)).toEqual([0, 1, 2]);
});

test("no sources, no items", async () => {
  expect(await all(fanIn([]))).toEqual([]);
});
