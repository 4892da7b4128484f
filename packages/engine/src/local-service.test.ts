import { defined, LociError, systemClock } from "@loci/core";
import type { GenerationEvent, GenerationRequest } from "@loci/core";
import { describe, expect, it } from "vitest";
import { unreadBytesMax } from "./event-channel.ts";
import { generationServiceConformance } from "./generation-service.suite.ts";
import { LocalService } from "./local-service.ts";
import type { EngineObserver } from "./observer.ts";
import type { EngineOptions } from "./options.ts";
import type { StepBatch, StepResult } from "./runner.ts";
import { promptOf } from "./testing/engine-bench.ts";
import { HashRunner } from "./testing/hash-runner.ts";
import { testRequest } from "./testing/requests.ts";

/** A hash runner that can be held in the middle of a step, and made to fail. */
class HeldRunner extends HashRunner {
  /** Called before each step; the step runs once the promise resolves. */
  before: (batch: StepBatch) => Promise<void> = () => Promise.resolve();

  override async execute(batch: StepBatch): Promise<StepResult> {
    await this.before(batch);
    return super.execute(batch);
  }
}

interface Bench extends AsyncDisposable {
  readonly runner: HeldRunner;
  readonly service: LocalService;
}

function makeBench(options: Partial<EngineOptions> = {}, observer: EngineObserver = {}): Bench {
  const runner = new HeldRunner({ blockCount: 256, contextTokensMax: 20_000, blockTokens: 128 });
  const service = new LocalService({
    runner,
    tokenText: runner,
    clock: systemClock,
    options,
    observer,
  });
  return { runner, service, [Symbol.asyncDispose]: () => service.close({ drain: false }) };
}

/** A promise to be settled from outside. */
function makeGate(): { readonly wait: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { wait: promise, open: resolve };
}

function never(): AbortSignal {
  return new AbortController().signal;
}

async function readAll(
  service: LocalService,
  request: GenerationRequest,
  signal: AbortSignal = never(),
): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = [];
  for await (const event of service.generate(request, signal)) events.push(event);
  return events;
}

async function failureOf(work: Promise<unknown>): Promise<LociError> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof LociError) return error;
  throw new Error("there was no LociError");
}

function reasonOf(events: readonly GenerationEvent[]): string {
  const last = events.at(-1);
  return last?.type === "finished" ? last.reason : "unfinished";
}

/** No request and no block is left. */
function expectIdle({ service }: Bench): void {
  expect(service.snapshot()).toMatchObject({ requestsRunning: 0, requestsWaiting: 0 });
  const { kvBlocksFree, kvBlocksCached, kvBlocksTotal } = service.snapshot();
  expect(kvBlocksFree + kvBlocksCached).toBe(kvBlocksTotal);
}

generationServiceConformance("LocalService", () => {
  const runner = new HashRunner({ blockTokens: 16, contextTokensMax: 512 });
  const service = new LocalService({ runner, tokenText: runner, clock: systemClock });
  return Promise.resolve({
    service,
    vocabularySize: runner.limits.vocabularySize,
    contextTokensMax: runner.limits.contextTokensMax,
    dispose: () => service.close({ drain: true }),
  });
});

describe("LocalService", () => {
  it("streams many answers at once, each as if alone", async () => {
    await using bench = makeBench();
    const requests = Array.from({ length: 40 }, (_, seed) =>
      testRequest({ prompt: promptOf(20 + seed, seed % 7), maxTokens: 10 }),
    );
    const together = await Promise.all(requests.map((request) => readAll(bench.service, request)));
    for (const [index, events] of together.entries()) {
      await using alone = makeBench();
      const expected = await readAll(alone.service, defined(requests[index]));
      expect(events.slice(1, -1)).toEqual(expected.slice(1, -1));
    }
    expect(bench.runner.released.toSorted()).toEqual(requests.map(({ id }) => id).toSorted());
    expectIdle(bench);
  });

  it("does nothing before it is read, and refuses with the first read", async () => {
    await using bench = makeBench({ queueRequestsMax: 1, sequencesMax: 1 });
    const { service } = bench;
    const unread = service.generate(testRequest(), never());
    expect(service.snapshot().requestsWaiting).toBe(0);
    expect((await failureOf(readAll(service, testRequest({ prompt: [] })))).code).toBe(
      "invalid_request",
    );
    expect(
      (await failureOf(readAll(service, testRequest({ prompt: promptOf(20_000) })))).code,
    ).toBe("context_length_exceeded");
    const gate = makeGate();
    bench.runner.before = () => gate.wait;
    const running = readAll(service, testRequest());
    await Promise.resolve();
    const codes = [readAll(service, testRequest()), readAll(service, testRequest())].map(failureOf);
    gate.open();
    const error = await Promise.race(codes);
    expect(error.code).toBe("queue_full");
    expect(error.retryAfterSeconds).toBeGreaterThanOrEqual(1);
    expect(reasonOf(await running)).toBe("length");
    await unread.return();
  });

  it("cancels by signal: before the start, while waiting, in a step, while decoding", async () => {
    await using bench = makeBench({ sequencesMax: 1 });
    const { service, runner } = bench;
    expect(reasonOf(await readAll(service, testRequest(), AbortSignal.abort()))).toBe("cancelled");

    const gate = makeGate();
    const inStep = makeGate();
    runner.before = () => {
      inStep.open();
      return gate.wait;
    };
    const [running, waiting] = [new AbortController(), new AbortController()];
    const first = readAll(service, testRequest({ maxTokens: 100 }), running.signal);
    const second = readAll(service, testRequest(), waiting.signal);
    await inStep.wait;
    waiting.abort();
    running.abort();
    expect(service.snapshot().requestsRunning).toBe(1);
    gate.open();
    expect([reasonOf(await first), reasonOf(await second)]).toEqual(["cancelled", "cancelled"]);

    const decoding = new AbortController();
    const events: GenerationEvent[] = [];
    const endless = testRequest({ maxTokens: 10_000, ignoreEos: true });
    for await (const event of service.generate(endless, decoding.signal)) {
      events.push(event);
      if (events.length === 5) decoding.abort();
    }
    expect(reasonOf(events)).toBe("cancelled");
    expect(events.length).toBeLessThan(20);
    expectIdle(bench);
  });

  it("cancels when the reader leaves the loop", async () => {
    await using bench = makeBench();
    const endless = testRequest({ maxTokens: 10_000, ignoreEos: true });
    for await (const event of bench.service.generate(endless, never())) {
      if (event.type === "token") break;
    }
    expect(bench.service.snapshot().generatedTokens).toBeLessThan(10);
    // Its last step may still be in flight; whoever comes next runs after it.
    await readAll(bench.service, testRequest({ maxTokens: 1 }));
    expectIdle(bench);
  });

  it("cuts off a reader that leaves more than the bound unread", async () => {
    const runner = new HashRunner();
    const bytes = new TextEncoder().encode("x".repeat(8192));
    const tokenText = { tokenBytes: () => bytes, isEndOfGeneration: () => false };
    const service = new LocalService({ runner, tokenText, clock: systemClock });
    const stalled = service.generate(testRequest({ maxTokens: 100 }), never());
    expect((await stalled.next()).value).toMatchObject({ type: "started" });
    const reader = readAll(service, testRequest({ maxTokens: 100 }));
    await service.close({ drain: true });
    // Two bytes for each of 8192 units and 64 for the event: 15 tokens fit.
    expect((await failureOf(stalled.next())).code).toBe("client_too_slow");
    expect(reasonOf(await reader)).toBe("length");
    expect(service.snapshot().generatedTokens).toBeLessThan(100 + unreadBytesMax / 16_384 + 3);
  });

  it("ends the requests of a failing step with its error and goes on", async () => {
    const failures: unknown[] = [];
    await using bench = makeBench({}, { onStepFailed: (error) => failures.push(error) });
    const { service, runner } = bench;
    const crash = new Error("device lost");
    runner.before = () => Promise.reject(crash);
    expect((await failureOf(readAll(service, testRequest()))).code).toBe("internal");
    runner.before = () => Promise.reject(new LociError("model_file_changed", "It changed."));
    expect((await failureOf(readAll(service, testRequest()))).code).toBe("model_file_changed");
    runner.before = () => Promise.resolve();
    expect(reasonOf(await readAll(service, testRequest()))).toBe("length");
    expect(failures[0]).toBe(crash);
    expectIdle(bench);
  });

  it("fails every Nth step in turn and never loses or mixes up an answer", async () => {
    const request = testRequest({ prompt: promptOf(200), maxTokens: 6 });
    await using calm = makeBench();
    const expected = await readAll(calm.service, request);
    for (let nth = 1; nth <= 12; nth++) {
      await using bench = makeBench();
      let steps = 0;
      bench.runner.before = () =>
        ++steps === nth ? Promise.reject(new Error("once")) : Promise.resolve();
      const ids = [1, 2, 3].map((index) => `${request.id}-${index}`);
      const ends = await Promise.all(
        ids.map((id) => readAll(bench.service, { ...request, id }).catch(() => null)),
      );
      const again = await readAll(bench.service, request);
      for (const events of [...ends, again]) {
        expect(events?.slice(1, -1) ?? null).toEqual(events && expected.slice(1, -1));
      }
      expectIdle(bench);
    }
  });

  it("closes: drains what runs, refuses what comes", async () => {
    const bench = makeBench();
    const running = readAll(bench.service, testRequest({ maxTokens: 50 }));
    const closed = bench.service.close({ drain: true });
    expect((await failureOf(readAll(bench.service, testRequest()))).code).toBe("unavailable");
    expect(reasonOf(await running)).toBe("length");
    await closed;
    const idle = makeBench();
    await idle.service.close({ drain: true });
    const other = makeBench();
    const cut = readAll(other.service, testRequest({ maxTokens: 10_000, ignoreEos: true }));
    await other.service.close({ drain: false });
    expect(reasonOf(await cut)).toBe("cancelled");
  });

  it("reports a programmer's error to every stream and to close", async () => {
    const runner = new HashRunner();
    const service = new LocalService({
      runner,
      tokenText: {
        tokenBytes: () => {
          throw new Error("a mistake");
        },
        isEndOfGeneration: () => false,
      },
      clock: systemClock,
    });
    expect((await failureOf(readAll(service, testRequest()))).code).toBe("internal");
    expect((await failureOf(readAll(service, testRequest()))).code).toBe("unavailable");
    await expect(service.close({ drain: true })).rejects.toThrow("a mistake");
  });

  it("lets the event loop turn with every step", async () => {
    await using bench = makeBench();
    let turns = 0;
    let watching = true;
    const watch = (): void => {
      turns++;
      if (watching) setImmediate(watch);
    };
    setImmediate(watch);
    await readAll(bench.service, testRequest({ maxTokens: 100, ignoreEos: true }));
    watching = false;
    expect(turns).toBeGreaterThan(90);
  });

  it("tells an observer what it needs for its histograms", async () => {
    const seen: string[] = [];
    const observer: EngineObserver = {
      onStarted: ({ promptTokens, queuedMs }) =>
        seen.push(`started ${promptTokens} ${queuedMs >= 0}`),
      onFirstToken: ({ timeToFirstTokenMs }) => seen.push(`first ${timeToFirstTokenMs >= 0}`),
      onStep: ({ tokens, sequences }) => seen.push(`step ${tokens} ${sequences}`),
      onFinished: ({ outcome, timePerTokenMs }) =>
        seen.push(`finished ${outcome} ${timePerTokenMs !== null}`),
    };
    await using bench = makeBench({}, observer);
    await readAll(bench.service, testRequest({ maxTokens: 2 }));
    expect(seen).toEqual([
      "started 3 true",
      "first true",
      "step 3 1",
      "finished length true",
      "step 1 1",
    ]);
  });
});
