// The policies seen from outside: who starts, in which order, and what becomes of wrong predictions.

import { defined } from "@loci/core";
import type { LengthPredictor } from "@loci/predict";
import { LengthDistribution } from "@loci/predict";
import { describe, expect, it } from "vitest";
import type { EngineOptions } from "./options.ts";
import { EngineBench, promptOf } from "./testing/engine-bench.ts";

/** Says for each request what `tokensOf` its prompt's first token says. */
function predictor(tokensOf: (first: number) => number): LengthPredictor {
  return {
    name: "told",
    open: ({ promptTokens }) => ({
      distribution: LengthDistribution.point(tokensOf(defined(promptTokens[0]))),
      observe: () => {},
      close: () => {},
    }),
    save: () => null,
    restore: () => false,
  };
}

interface Job {
  /** Prompt's first token; what predictions go by. */
  readonly kind: number;
  readonly maxTokens: number;
  readonly tenant?: string;
  readonly payer?: string;
  readonly priority?: number;
}

/** A memory of 20 blocks of 16 tokens. */
function benchOf(engine: Partial<EngineOptions>, lengths: LengthPredictor): EngineBench {
  return new EngineBench({
    runner: { blockCount: 20, blockTokens: 16, contextTokensMax: 320, eosTokenId: null },
    engine,
    lengths,
  });
}

function submit(bench: EngineBench, { kind, maxTokens, ...rest }: Job): string {
  const prompt = [kind, ...promptOf(15, kind + 1)];
  return bench.submit({ prompt, maxTokens, ...rest });
}

/** Ids in the order in which they got their first token. */
function startOrder(bench: EngineBench, ids: readonly string[]): readonly string[] {
  const order: string[] = [];
  while (order.length < ids.length) {
    bench.step();
    order.push(...ids.filter((id) => bench.hasToken(id) && !order.includes(id)));
  }
  return order;
}

function runningMax(bench: EngineBench): number {
  let most = 0;
  for (let batch = bench.step(); batch !== null; batch = bench.step()) {
    most = Math.max(most, batch.slices.length);
    bench.engine.checkIntegrity();
  }
  return most;
}

/** Until two long requests have started next to short ones that keep coming, in milliseconds. */
function longWaitMs(scheduling: "fcfs" | "shortest"): number {
  const engine = { sequencesMax: 1, admission: "paged", scheduling } as const;
  const bench = benchOf(
    engine,
    predictor((kind) => kind),
  );
  const long = submit(bench, { kind: 99, maxTokens: 99 });
  submit(bench, { kind: 50, maxTokens: 50 });
  const late = submit(bench, { kind: 98, maxTokens: 98 });
  let kind = 1;
  while (!bench.hasToken(late) || !bench.hasToken(long)) {
    // As fast as they are served.
    kind = (kind % 20) + 1;
    if (bench.engine.snapshot().requestsWaiting < 4) submit(bench, { kind, maxTokens: kind });
    bench.step();
  }
  return bench.nowMs;
}

describe("admission", () => {
  // 16 tokens of prompt and 48 of answer, of 288 that were asked for: 4 blocks each, at most 20.
  const lengths = predictor(() => 48);
  const jobs = Array.from({ length: 12 }, (_, kind) => ({ kind, maxTokens: 288 }));

  it("reserves the longest answer under worst-case: one runs at a time", () => {
    const bench = benchOf({ admission: "worst-case" }, lengths);
    for (const job of jobs.slice(0, 3)) submit(bench, job);
    expect(runningMax(bench)).toBe(1);
    expect(bench.engine.snapshot().preemptions).toBe(0);
  });

  it("lets as many start as fit at their predicted peak, and preempts nobody if that was right", () => {
    const told = Array.from({ length: 12 }, (_, kind) => ({ kind, maxTokens: 48 }));
    const bench = benchOf({ admission: "predicted" }, lengths);
    for (const job of told) submit(bench, job);
    const most = runningMax(bench);
    expect(most).toBeGreaterThanOrEqual(4);
    expect(most).toBeLessThanOrEqual(6);
    expect(bench.engine.snapshot().preemptions).toBe(0);
  });

  it("starts more under paged, and pays with preemptions", () => {
    const told = Array.from({ length: 12 }, (_, kind) => ({ kind, maxTokens: 48 }));
    const bench = benchOf({ admission: "paged" }, lengths);
    for (const job of told) submit(bench, job);
    expect(runningMax(bench)).toBeGreaterThan(6);
    expect(bench.engine.snapshot().preemptions).toBeGreaterThan(0);
  });

  it("doubles the reservation of whoever outgrows it under s3", () => {
    const bench = benchOf(
      { admission: "s3" },
      predictor(() => 10),
    );
    const ids = [1, 2, 3].map((kind) => submit(bench, { kind, maxTokens: 60 }));
    runningMax(bench);
    const { rescues } = bench.engine.snapshot();
    // 10, 20, 40, 80: outgrown three times; who runs alone goes on in place.
    expect(rescues?.outgrown).toBe(9);
    expect(defined(rescues).recomputed).toBeGreaterThan(2);
    for (const id of ids) expect(bench.finished(id).usage.completionTokens).toBe(60);
  });

  it("lets small requests pass one that does not fit under s3", () => {
    const bench = benchOf(
      { admission: "s3" },
      predictor((kind) => (kind === 9 ? 260 : 100)),
    );
    const [first, large, small] = [1, 9, 2].map((kind) => submit(bench, { kind, maxTokens: 280 }));
    expect(startOrder(bench, [defined(large)])).toEqual([large]);
    bench.finish();
    for (const id of [first, large, small])
      expect(bench.finished(defined(id)).reason).toBe("length");
  });

  it("lets whoever outgrows its prediction sit out rather than give up, when others end soon", () => {
    // Everyone is predicted short; the first ends soon enough to be waited for.
    const bench = benchOf(
      { admission: "predicted" },
      predictor(() => 1),
    );
    for (let kind = 0; kind < 10; kind++) submit(bench, { kind, maxTokens: 30 + 12 * kind });
    runningMax(bench);
    const rescues = defined(bench.engine.snapshot().rescues);
    expect(rescues.outgrown).toBeGreaterThan(0);
    expect(rescues.waited).toBeGreaterThan(0);
    expect(rescues.extended + rescues.borrowed).toBe(rescues.outgrown);
  });
});

describe("order", () => {
  const lengths = predictor((kind) => kind);
  const one = { sequencesMax: 1, admission: "paged" } as const;

  it("is the order of arrival under fcfs", () => {
    const bench = benchOf({ ...one, scheduling: "fcfs" }, lengths);
    const ids = [30, 5, 20].map((kind) => submit(bench, { kind, maxTokens: kind }));
    expect(startOrder(bench, ids)).toEqual(ids);
  });

  it("is the least expected work first under shortest, priorities before that", () => {
    const bench = benchOf({ ...one, scheduling: "shortest" }, lengths);
    const kinds = [60, 30, 5, 20, 40];
    const ids = kinds.map((kind) =>
      submit(bench, { kind, maxTokens: kind, priority: kind === 40 ? -1 : 0 }),
    );
    const started = startOrder(bench, ids).map((id) => kinds[ids.indexOf(id)]);
    expect(started.slice(0, 3)).toEqual([40, 5, 20]);
  });

  it("bounds how often the long are passed by", () => {
    expect(longWaitMs("shortest")).toBeLessThan(3 * longWaitMs("fcfs"));
  });

  it("serves tenants in turn under fair, however many requests one of them has", () => {
    const bench = benchOf(
      { ...one, scheduling: "fair" },
      predictor(() => 10),
    );
    const many = Array.from({ length: 8 }, (_, kind) =>
      submit(bench, { kind, maxTokens: 10, tenant: "many" }),
    );
    const few = [20, 21].map((kind) => submit(bench, { kind, maxTokens: 10, tenant: "few" }));
    const order = startOrder(bench, [...many, ...few]);
    expect(Math.max(...few.map((id) => order.indexOf(id)))).toBeLessThanOrEqual(4);
  });

  it("takes one payer with many names for the cache as one", () => {
    const bench = benchOf(
      { ...one, scheduling: "fair" },
      predictor(() => 10),
    );
    const salted = Array.from({ length: 8 }, (_, kind) =>
      submit(bench, { kind, maxTokens: 10, tenant: `many/${kind}`, payer: "many" }),
    );
    const few = [20, 21].map((kind) => submit(bench, { kind, maxTokens: 10, tenant: "few" }));
    const order = startOrder(bench, [...salted, ...few]);
    expect(Math.max(...few.map((id) => order.indexOf(id)))).toBeLessThanOrEqual(4);
  });

  it("charges a tenant that claims short answers for what it got", () => {
    // The liar's answers are said to take 1 token and take 40; the honest one's 20 take 20.
    const bench = benchOf(
      { ...one, scheduling: "fair" },
      predictor((kind) => (kind < 50 ? 1 : 20)),
    );
    const liar = Array.from({ length: 12 }, (_, kind) =>
      submit(bench, { kind, maxTokens: 40, tenant: "liar" }),
    );
    const honest = Array.from({ length: 12 }, (_, kind) =>
      submit(bench, { kind: 50 + kind, maxTokens: 20, tenant: "honest" }),
    );
    const order = startOrder(bench, [...liar, ...honest]);
    const served = (ids: readonly string[], end: number): number =>
      order.slice(0, end).filter((id) => ids.includes(id)).length;
    // Twice the work for each answer: half as many answers.
    expect(served(honest, 15)).toBeGreaterThanOrEqual(9);
  });
});

describe("early refusal", () => {
  const lengths = predictor(() => 40);

  it("refuses who would start too late, with the time to come back", () => {
    const bench = benchOf({ sequencesMax: 1, queueSecondsMax: 1 }, lengths);
    for (let kind = 0; kind < 3; kind++) submit(bench, { kind, maxTokens: 40 });
    bench.step();
    let refused: unknown = null;
    for (let kind = 3; kind < 40 && refused === null; kind++) {
      try {
        submit(bench, { kind, maxTokens: 40 });
      } catch (error) {
        refused = error;
      }
    }
    expect(refused).toMatchObject({ code: "deadline_unmet" });
    expect(defined(refused)).toHaveProperty("retryAfterSeconds", expect.any(Number));
    bench.finish();
  });

  it("refuses a request whose first token cannot come in time, and takes it when it can", () => {
    const bench = benchOf({ sequencesMax: 1 }, lengths);
    const prompt = promptOf(200, 3);
    expect(() => bench.submit({ prompt, firstTokenSecondsMax: 0.01 })).toThrow("first token");
    bench.submit({ prompt, firstTokenSecondsMax: 60 });
    bench.finish();
  });
});

describe("preble", () => {
  const options = {
    runner: { blockCount: 400, blockTokens: 4, contextTokensMax: 320, eosTokenId: null },
    engine: { sequencesMax: 1, scheduling: "preble" },
  } as const;
  const shared = promptOf(96, 1);
  /** Sharing so many hundredths of its prompt with what is cached. */
  const hit = (percent: number, own: number): number[] => [
    ...shared.slice(0, (percent / 100) * 96),
    ...Array.from({ length: ((100 - percent) / 100) * 96 }, (_, place) => 700 + own + place),
  ];

  it("starts the best cached first, as many of each group as its rank, and then a new round", () => {
    const world = new EngineBench(options);
    world.submit({ prompt: shared, maxTokens: 1 });
    world.finish();
    const running = world.submit({ prompt: [1], maxTokens: 1 });
    world.step();
    const cold = Array.from({ length: 3 }, (_, own) =>
      world.submit({ prompt: hit(0, 50 * own), maxTokens: 1 }),
    );
    // Three quarters: the eighth group, whose quota is eight.
    const warm = Array.from({ length: 20 }, (_, own) =>
      world.submit({ prompt: hit(75, 9 * own), maxTokens: 1 }),
    );
    const order = startOrder(world, [running, ...cold, ...warm]).slice(1);
    // The first round had its one start of the lowest group before they came.
    const expected = [...warm.slice(0, 16), cold[0], ...warm.slice(16), cold[1], cold[2]];
    expect(order).toEqual(expected);
  });

  it("lets nobody starve, however many better cached ones come", () => {
    const world = new EngineBench(options);
    world.submit({ prompt: shared, maxTokens: 1 });
    world.finish();
    const cold = world.submit({ prompt: hit(0, 5), maxTokens: 1 });
    let hits = 0;
    while (!world.hasToken(cold)) {
      while (world.engine.snapshot().requestsWaiting < 30) {
        world.submit({ prompt: [...shared, 1 + hits++], maxTokens: 1 });
      }
      world.step();
    }
    // Two rounds of the two groups that have any: ten and one.
    expect(hits - world.engine.snapshot().requestsWaiting).toBeLessThanOrEqual(22);
  });

  it("goes on with answers that began elsewhere before anything else, as fcfs does", () => {
    for (const scheduling of ["preble", "fcfs"] as const) {
      const world = new EngineBench({ engine: { sequencesMax: 1, scheduling } });
      const first = world.submit({ prompt: promptOf(40), maxTokens: 3 });
      const second = world.submit({ prompt: promptOf(40, 2), maxTokens: 3 });
      const deliveredTokens = Int32Array.of(5);
      const moved = world.submit({ prompt: promptOf(40, 3), maxTokens: 3, deliveredTokens });
      expect(startOrder(world, [first, second, moved])).toEqual([moved, first, second]);
    }
  });
});
