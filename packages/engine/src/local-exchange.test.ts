// Blocks carried from one service to another: what was carried answers like what was computed,
// whatever breaks off, runs beside it, or is in the way.

import { defined, Random, systemClock } from "@loci/core";
import type { BlockRange, GenerationEvent } from "@loci/core";
import { describe, expect, it } from "vitest";
import { LocalService } from "./local-service.ts";
import type { EngineOptions } from "./options.ts";
import { promptOf } from "./testing/engine-bench.ts";
import { HashContents } from "./testing/hash-contents.ts";
import { HashRunner } from "./testing/hash-runner.ts";
import type { HashRunnerOptions } from "./testing/hash-runner.ts";
import { testRequest } from "./testing/requests.ts";

const tenant = "tenant";
const blockTokens = 4;

interface Rig extends AsyncDisposable {
  readonly service: LocalService;
  readonly runner: HashRunner;
  readonly contents: HashContents;
}

function makeRig(options: HashRunnerOptions = {}, engine: Partial<EngineOptions> = {}): Rig {
  const runner = new HashRunner({ blockTokens, ...options });
  const contents = new HashContents(runner);
  const parts = { runner, tokenText: runner, clock: systemClock, contents, options: engine };
  const service = new LocalService({ ...parts, reportsBlocks: true });
  return {
    service,
    runner,
    contents,
    [Symbol.asyncDispose]: () => service.close({ drain: false }),
  };
}

async function answer(
  { service }: Rig,
  prompt: readonly number[],
  maxTokens = 6,
): Promise<GenerationEvent[]> {
  const request = testRequest({ prompt, maxTokens, ignoreEos: true });
  const events: GenerationEvent[] = [];
  for await (const event of service.generate(request, new AbortController().signal)) {
    events.push(event);
  }
  return events;
}

function tokensOf(events: readonly GenerationEvent[]): number[] {
  return events.flatMap((event) => (event.type === "token" ? [event.tokenId] : []));
}

function cachedTokensOf(events: readonly GenerationEvent[]): number {
  const [first] = events;
  return first?.type === "started" ? first.cachedTokens : -1;
}

function exported(
  rig: Rig,
  prompt: readonly number[],
  range: Partial<BlockRange> = {},
  signal = new AbortController().signal,
): AsyncIterable<Uint8Array> {
  const whole = { blockStart: 0, blockEnd: 1000, ...range };
  return defined(rig.service.exchange).exportBlocks(tenant, Int32Array.from(prompt), whole, signal);
}

function imported(
  rig: Rig,
  prompt: readonly number[],
  contents: AsyncIterable<Uint8Array>,
  blockStart = 0,
): Promise<number> {
  return defined(rig.service.exchange).importBlocks(
    tenant,
    Int32Array.from(prompt),
    blockStart,
    contents,
  );
}

async function collect(blocks: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const list: Uint8Array[] = [];
  for await (const block of blocks) list.push(block);
  return list;
}

async function* sent(blocks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const block of blocks) yield await Promise.resolve(block);
}

const prompt = promptOf(30, 1);

describe("LocalExchange", () => {
  it("carries a prompt's blocks, which answer as if they had been computed there", async () => {
    await using donor = makeRig();
    await using taker = makeRig();
    const expected = tokensOf(await answer(donor, prompt));
    const blocks = await collect(exported(donor, prompt));
    expect(blocks).toHaveLength(7);
    expect(await imported(taker, prompt, sent(blocks))).toBe(7);
    expect(taker.service.heldBlocks()).toEqual(donorHeld(donor, 7));
    const events = await answer(taker, prompt);
    expect(cachedTokensOf(events)).toBe(28);
    expect(tokensOf(events)).toEqual(expected);
  });

  it("takes what comes: a middle part, other tenants' nothing, no more than the prompt", async () => {
    await using donor = makeRig();
    await using taker = makeRig();
    const expected = tokensOf(await answer(donor, prompt));
    const middle = await collect(exported(donor, prompt, { blockStart: 2, blockEnd: 4 }));
    expect(middle).toHaveLength(2);
    expect(await imported(taker, prompt, sent(middle), 2)).toBe(2);
    const other = defined(donor.service.exchange).exportBlocks(
      "other",
      Int32Array.from(prompt),
      { blockStart: 0, blockEnd: 9 },
      new AbortController().signal,
    );
    expect(await collect(other)).toEqual([]);
    expect(await collect(exported(donor, promptOf(30, 2)))).toEqual([]);
    const start = await collect(exported(donor, prompt, { blockEnd: 2 }));
    expect(await imported(taker, prompt.slice(0, 9), sent([...start, ...start]))).toBe(2);
    const events = await answer(taker, prompt);
    expect([cachedTokensOf(events), tokensOf(events)]).toEqual([16, expected]);
    expect(await imported(taker, prompt, sent(start), 7)).toBe(0);
  });

  it("leaves nothing of a block behind that did not come whole, or could not be written", async () => {
    await using donor = makeRig();
    await using taker = makeRig();
    const expected = tokensOf(await answer(donor, prompt));
    const blocks = await collect(exported(donor, prompt));
    const short = [defined(blocks[0]), defined(blocks[1]).subarray(1)];
    await expect(imported(taker, prompt, sent(short))).rejects.toMatchObject({
      code: "invalid_request",
    });
    const broken = (async function* () {
      yield* sent(blocks.slice(0, 2));
      throw new Error("the connection is gone");
    })();
    await expect(imported(taker, prompt, broken)).rejects.toThrow("the connection is gone");
    let copies = 0;
    taker.contents.before = () => {
      copies++;
      return copies === 2 ? Promise.reject(new Error("not written")) : Promise.resolve();
    };
    await expect(imported(taker, prompt, sent(blocks))).rejects.toThrow("not written");
    taker.contents.before = () => Promise.resolve();
    const events = await answer(taker, prompt);
    expect(tokensOf(events)).toEqual(expected);
    // Two of the first attempts, one more before the write that failed.
    expect(cachedTokensOf(events)).toBe(12);
    expectIdle(taker);
  });

  it("ends an export when it is told to, and lends nothing any longer", async () => {
    await using donor = makeRig();
    await answer(donor, prompt);
    const controller = new AbortController();
    const read: Uint8Array[] = [];
    for await (const block of exported(donor, prompt, {}, controller.signal)) {
      read.push(block);
      if (read.length === 3) controller.abort();
    }
    expect(read).toHaveLength(3);
    expectIdle(donor);
  });

  it("keeps what is being read, however short memory is, and goes on when it is read", async () => {
    await using donor = makeRig({ blockCount: 10 });
    await answer(donor, prompt);
    const copying = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    donor.contents.before = () => {
      copying.resolve();
      return go.promise;
    };
    const blocks = collect(exported(donor, prompt));
    await copying.promise;
    // Needs all of the memory; seven blocks of ten are lent.
    const big = answer(donor, promptOf(35, 9), 2);
    await expect(Promise.race([big, turns(20)])).resolves.toBe("turned");
    go.resolve();
    expect(await blocks).toHaveLength(7);
    expect(tokensOf(await big)).toHaveLength(2);
    await using taker = makeRig();
    await imported(taker, prompt, sent(await blocks));
    const events = await answer(taker, prompt);
    expect(cachedTokensOf(events)).toBe(28);
    expectIdle(donor);
  });

  it("takes the room of what is worth less, and none of what is used", async () => {
    await using donor = makeRig();
    await using taker = makeRig({ blockCount: 16 });
    const long = promptOf(100, 4);
    await answer(donor, long);
    for (const seed of [5, 6, 7]) await answer(taker, promptOf(20, seed));
    expect(taker.service.snapshot().kvBlocksFree).toBe(0);
    const taken = await imported(taker, long, exported(donor, long));
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThanOrEqual(16);
    const { byTier } = taker.service.matchPrompt(tenant, Int32Array.from(long));
    expect(byTier.device).toBe(taken * blockTokens);
    expectIdle(taker);
    // One that runs holds everything: nothing can be taken.
    await using full = makeRig({ blockCount: 8 });
    const reader = full.service.generate(
      testRequest({ prompt: promptOf(28, 8), maxTokens: 3, ignoreEos: true }),
      new AbortController().signal,
    );
    const held = Promise.withResolvers<void>();
    const inStep = Promise.withResolvers<void>();
    full.runner.execute = async (batch) => {
      inStep.resolve();
      await held.promise;
      return full.runner.run(batch);
    };
    const first = reader.next();
    await inStep.promise;
    expect(await imported(full, long, exported(donor, long))).toBeLessThanOrEqual(1);
    held.resolve();
    await first;
    await reader.return();
  });

  it("brings nothing back that was erased meanwhile, and ends with its service", async () => {
    await using donor = makeRig();
    await using taker = makeRig();
    await answer(donor, prompt);
    const blocks = await collect(exported(donor, prompt));
    const coming = (async function* () {
      yield* sent(blocks.slice(0, 3));
      await taker.service.eraseCached(tenant, null);
      yield* sent(blocks.slice(3));
    })();
    expect(await imported(taker, prompt, coming)).toBe(3);
    expect(taker.service.matchPrompt(tenant, Int32Array.from(prompt)).knownTokens).toBe(0);
    const closing = (async function* () {
      yield* sent(blocks.slice(0, 2));
      await taker.service.close({ drain: true });
      yield* sent(blocks.slice(2));
    })();
    expect(await imported(taker, prompt, closing)).toBe(2);
    expect(await collect(exported(taker, prompt))).toEqual([]);
  });

  it("exchanges blocks beside requests, copies that end late, and memory that is short", async () => {
    let carried = 0;
    for (let seed = 0; seed < 6; seed++) carried += await exchangeAtRandom(seed);
    expect(carried).toBeGreaterThan(40);
  });
});

/** Two services that answer and exchange all the time; returns the blocks that were carried. */
async function exchangeAtRandom(seed: number): Promise<number> {
  const random = new Random(seed);
  const options = { blockCount: random.integer(12, 40), contextTokensMax: 48, stepTokensMax: 24 };
  const sizes = { ...options, vocabularySize: 900 };
  await using one = makeRig(sizes);
  await using other = makeRig(sizes);
  for (const rig of [one, other]) {
    rig.contents.before = async () => void (await turns(random.integer(0, 3)));
  }
  const prompts = Array.from({ length: 5 }, (_, index) =>
    promptOf(random.integer(5, 40), index % 3),
  );
  let carried = 0;
  const work = Array.from({ length: 40 }, async (_, index) => {
    await turns(random.integer(0, 60));
    const [from, to] = random.integer(0, 1) === 0 ? [one, other] : [other, one];
    const asked = defined(prompts[random.integer(0, prompts.length - 1)]);
    if (index % 2 === 0) {
      await expectLonely(from, asked, random.integer(1, 6));
      return;
    }
    const controller = new AbortController();
    if (random.integer(0, 3) === 0)
      void turns(random.integer(0, 20)).then(() => controller.abort());
    carried += await imported(to, asked, exported(from, asked, {}, controller.signal));
  });
  await Promise.all(work);
  for (const rig of [one, other]) expectIdle(rig);
  return carried;
}

async function expectLonely(rig: Rig, asked: readonly number[], maxTokens: number): Promise<void> {
  const events = await answer(rig, asked, maxTokens);
  await using alone = makeRig({ ...rig.runner.limits, blockCount: 64 });
  expect(tokensOf(events)).toEqual(tokensOf(await answer(alone, asked, maxTokens)));
}

/** No request, loan or block is left, and everything adds up. */
function expectIdle({ service }: Rig): void {
  const { requestsRunning, requestsWaiting, ...snapshot } = service.snapshot();
  expect([requestsRunning, requestsWaiting, snapshot.kvMovesUnderWay ?? 0]).toEqual([0, 0, 0]);
  expect(snapshot.kvBlocksFree + snapshot.kvBlocksCached).toBe(snapshot.kvBlocksTotal);
}

function donorHeld({ service }: Rig, count: number): unknown {
  return service.heldBlocks().map(({ tier, blocks }) => ({
    tier,
    blocks: blocks.subarray(0, tier === "device" ? count : 0),
  }));
}

async function turns(count: number): Promise<"turned"> {
  for (let turn = 0; turn < count; turn++) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
  return "turned";
}
