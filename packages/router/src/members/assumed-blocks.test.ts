import { expect, test } from "vitest";
import { BlockDirectory } from "../directory/block-directory.ts";
import { AssumedBlocks } from "./assumed-blocks.ts";

function made(blocks: number): { directory: BlockDirectory; assumed: AssumedBlocks } {
  const directory = new BlockDirectory({ blocksMax: 64, workersMax: 2 });
  directory.addWorker(1);
  return { directory, assumed: new AssumedBlocks(directory, 1, blocks) };
}

function heldOf(directory: BlockDirectory, names: readonly number[]): number[] {
  return names.filter((name) => directory.holders(name).includes(1));
}

test("prompts that were sent are held, the ends of the oldest given up first", () => {
  const { directory, assumed } = made(4);
  assumed.used(Float64Array.of(1, 2, 3));
  assumed.used(Float64Array.of(1, 7, 8));
  expect(heldOf(directory, [1, 2, 3, 7, 8])).toEqual([1, 2, 7, 8]);
  assumed.checkIntegrity();
});

test("a wrong belief shrinks the capacity, right ones let it grow back", () => {
  const { directory, assumed } = made(20);
  const names = Array.from({ length: 20 }, (_, index) => index + 1);
  assumed.used(Float64Array.from(names));
  assumed.learn(320, 0);
  expect(heldOf(directory, names)).toHaveLength(18);
  for (let index = 0; index < 40; index++) assumed.learn(320, 320);
  assumed.used(Float64Array.from(names));
  expect(heldOf(directory, names)).toHaveLength(20);
  assumed.checkIntegrity();
});
