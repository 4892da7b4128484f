// What was deleted is found in no memory any more, and what is kept stays where it is.

import { systemClock } from "@loci/core";
import { expect, test } from "vitest";
import { LocalService } from "./local-service.ts";
import type { StepBatch, StepResult } from "./runner.ts";
import { promptOf } from "./testing/engine-bench.ts";
import { HashMover } from "./testing/hash-mover.ts";
import { HashRunner } from "./testing/hash-runner.ts";
import { testRequest } from "./testing/requests.ts";
import { plainHasher } from "./tiers/block-hasher.ts";

const blockTokens = 4;
const tenant = "tenant";

class HeldRunner extends HashRunner {
  /** Called before each step; the step runs once the promise resolves. */
  before: (batch: StepBatch) => Promise<void> = () => Promise.resolve();

  override async execute(batch: StepBatch): Promise<StepResult> {
    await this.before(batch);
    return super.execute(batch);
  }
}

class World {
  runner: HeldRunner = newRunner();
  readonly mover: HashMover = new HashMover(this.runner, {
    tiers: [
      { name: "host", slotCount: 32, isDurable: false },
      { name: "disk", slotCount: 64, isDurable: true },
    ],
  });
  service: LocalService = this.#serve();

  #serve(): LocalService {
    return new LocalService({
      runner: this.runner,
      tokenText: this.runner,
      clock: systemClock,
      tiers: { mover: this.mover, hasher: plainHasher, blockBytes: 1 },
    });
  }

  /** The process dies and starts again; the disk stays. */
  restart(): void {
    this.runner = newRunner();
    this.mover.restart(this.runner);
    this.service = this.#serve();
  }

  /** Prompt and answer. */
  async run(prompt: readonly number[], signal: AbortSignal = never()): Promise<number[]> {
    const tokens = [...prompt];
    const request = testRequest({ prompt, maxTokens: 6, ignoreEos: true });
    for await (const event of this.service.generate(request, signal)) {
      if (event.type === "token") tokens.push(event.tokenId);
    }
    return tokens;
  }

  /** Waits until all that is cached lies on disk, too. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 1000; turn++) await nextTurn();
  }

  onDisk(): number[][] {
    return this.mover.recovered().map(({ identity }) => Array.from(identity.tokens));
  }

  known(tokens: readonly number[]): number {
    const { knownTokens, byTier } = this.service.matchPrompt(tenant, Int32Array.from(tokens));
    return knownTokens - byTier.missing;
  }

  erase(tokens: readonly number[], sharedTokens = 0): Promise<void> {
    return this.service.eraseCached(tenant, { tokens: Int32Array.from(tokens), sharedTokens });
  }
}

function newRunner(): HeldRunner {
  return new HeldRunner({
    blockCount: 64,
    contextTokensMax: 256,
    blockTokens,
    vocabularySize: 1000,
  });
}

function never(): AbortSignal {
  return new AbortController().signal;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** `tokens` from `from` on, as the blocks that hold them. */
function blocksOf(tokens: readonly number[], from: number): number[][] {
  const blocks: number[][] = [];
  for (let start = from; start < tokens.length; start += blockTokens) {
    blocks.push(tokens.slice(start, start + blockTokens));
  }
  return blocks;
}

test("a sequence's own blocks go in every memory; a shared trunk stays", async () => {
  const world = new World();
  const trunk = promptOf(8);
  const one = await world.run([...trunk, 501, 502, 503, 504, 505]);
  const two = await world.run([...trunk, 601, 602, 603, 604, 605]);
  await world.settle();
  expect(world.onDisk()).toContainEqual(blocksOf(one, 8)[0]);
  await world.erase(one);
  expect(world.known(one)).toBe(8);
  expect(world.known(two)).toBe(two.length - 1);
  for (const block of blocksOf(one, 8)) expect(world.onDisk()).not.toContainEqual(block);
  expect(world.onDisk()).toContainEqual(blocksOf(two, 8)[0]);
  await world.erase(two);
  expect(world.known(two)).toBe(0);
  expect(world.onDisk()).toEqual([]);
  expect(world.service.cachedChains(tenant, 10)).toEqual([]);
  await world.service.close({ drain: true });
});

test("what follows a kept turn goes, the turn itself stays; and the other way round", async () => {
  const world = new World();
  const first = await world.run(promptOf(10));
  const second = await world.run([...first, 701, 702, 703, 704, 705]);
  await world.settle();
  // The earlier turn was deleted, the later one goes on from all of it.
  await world.erase(first, first.length);
  expect(world.known(second)).toBe(second.length - 1);
  // The later one was deleted: of the block that has tokens of both nothing stays.
  await world.erase(second, first.length);
  const whole = Math.floor(first.length / blockTokens) * blockTokens;
  expect(world.known(second)).toBe(whole);
  expect(world.onDisk().flat()).not.toContain(701);
  await world.service.close({ drain: true });
});

test("a later turn that nobody kept goes with what it follows", async () => {
  const world = new World();
  const first = await world.run(promptOf(10));
  const cutOff = await world.run([...first, 701, 702, 703, 704, 705]);
  await world.settle();
  await world.erase(first);
  expect(world.known(cutOff)).toBe(0);
  expect(world.onDisk()).toEqual([]);
  await world.service.close({ drain: true });
});

test("a sequence of which only the beginning is cached takes nothing from others", async () => {
  const world = new World();
  const kept = await world.run(promptOf(12));
  await world.erase([...promptOf(6), 801, 802, 803, 804, 805, 806]);
  expect(world.known(kept)).toBe(kept.length - 1);
  await world.service.close({ drain: true });
});

test("blocks that a request uses go when it has ended", async () => {
  const world = new World();
  const first = await world.run(promptOf(12));
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  const { promise: inStep, resolve: entered } = Promise.withResolvers<void>();
  world.runner.before = () => {
    entered();
    return held;
  };
  const running = world.run([...first, 901, 902, 903]);
  await inStep;
  const erased = world.erase(first);
  letGo();
  await erased;
  await running;
  await world.settle();
  // What it computed afterwards is its own.
  expect(world.known(first)).toBe(0);
  for (const block of blocksOf(first, 0)) expect(world.onDisk()).not.toContainEqual(block);
  expect(world.onDisk().flat()).not.toContain(901);
  await world.service.close({ drain: true });
});

test("of a turn cancelled in the midst of a step nothing stays", async () => {
  const world = new World();
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  const { promise: inStep, resolve: entered } = Promise.withResolvers<void>();
  world.runner.before = () => {
    entered();
    return held;
  };
  const client = new AbortController();
  const prompt = promptOf(21);
  const running = world.run(prompt, client.signal).catch(() => []);
  await inStep;
  client.abort();
  const erased = world.erase(prompt);
  letGo();
  await Promise.all([running, erased]);
  expect(world.known(prompt)).toBe(0);
  await world.settle();
  expect(world.onDisk()).toEqual([]);
  await world.service.close({ drain: true });
});

test("blocks of an earlier process go with what they follow", async () => {
  const world = new World();
  const first = await world.run(promptOf(10));
  const cutOff = await world.run([...first, 701, 702, 703, 704, 705, 706, 707, 708, 709]);
  const other = await world.run(promptOf(9, 5));
  await world.settle();
  world.restart();
  await world.erase(first);
  expect(world.onDisk().flat()).not.toContain(701);
  expect(world.known(cutOff)).toBe(0);
  expect(world.known(other)).toBeGreaterThan(0);
  await world.service.eraseCached(tenant, null);
  expect(world.onDisk()).toEqual([]);
  await world.service.close({ drain: true });
});

test("an ended service has nothing to erase", async () => {
  const world = new World();
  await world.service.close({ drain: true });
  await expect(world.erase([1, 2, 3])).resolves.toBeUndefined();
});
