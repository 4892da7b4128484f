// What every runner may rely on: a batch that breaks one of these rules is a mistake of the engine.

import { assert, defined } from "@loci/core";
import type { QuerySlice, RunnerLimits, StepBatch } from "../runner.ts";

/** Asserts that `batch` is within `limits` and that nobody writes where another writes or copies. */
export function checkBatch(batch: StepBatch, limits: RunnerLimits): void {
  const { blockTokens, blockCount } = limits;
  const inRange = (block: number): boolean => block >= 0 && block < blockCount;
  assert(batch.slices.length > 0, "a step has work");
  assert(batch.slices.length <= limits.stepSlicesMax, "a step has at most stepSlicesMax slices");
  const tokens = batch.slices.reduce((sum, slice) => sum + slice.tokens.length, 0);
  assert(tokens <= limits.stepTokensMax, "a step has at most stepTokensMax tokens");
  const targets = new Set<number>();
  for (const copy of batch.copies) {
    assert(inRange(copy.source) && inRange(copy.target), "a copy stays in the pool");
    assert(copy.source !== copy.target, "a copy goes to another block");
    assert(copy.tokens >= 1 && copy.tokens <= blockTokens, "a copy has 1 to blockTokens tokens");
    assert(!targets.has(copy.target), "a block is the target of one copy");
    targets.add(copy.target);
  }
  for (const copy of batch.copies) assert(!targets.has(copy.source), "copies do not chain");
  const written = new Set<number>();
  for (const slice of batch.slices) {
    checkSlice(slice, limits);
    for (let index = 0; index < slice.tokens.length; index++) {
      const slot = slotOf(slice, slice.positionStart + index, blockTokens);
      assert(!written.has(slot), "a slot is written once in a step");
      written.add(slot);
    }
  }
}

function checkSlice(slice: QuerySlice, limits: RunnerLimits): void {
  const { tokens, positionStart, blockTable } = slice;
  const end = positionStart + tokens.length;
  assert(tokens.length >= 1, "a slice has tokens");
  assert(positionStart >= 0 && end <= limits.contextTokensMax, "a slice is within the context");
  assert(blockTable.length * limits.blockTokens >= end, "the table covers the slice");
  assert(new Set(blockTable).size === blockTable.length, "a block is in a table once");
  for (const block of blockTable) {
    assert(block >= 0 && block < limits.blockCount, "a table's blocks are in the pool");
  }
  for (const token of tokens) {
    assert(token >= 0 && token < limits.vocabularySize, "a token is in the vocabulary");
  }
  if (slice.sample === null) return;
  const { history, promptLength } = slice.sample;
  assert(history.length === end, "who samples has computed its whole history");
  assert(promptLength >= 1 && promptLength <= history.length, "a history starts with a prompt");
}

/** Index of a position's place in the pool, counted in tokens. */
export function slotOf(slice: QuerySlice, position: number, blockTokens: number): number {
  const block = defined(slice.blockTable[Math.floor(position / blockTokens)]);
  return block * blockTokens + (position % blockTokens);
}
