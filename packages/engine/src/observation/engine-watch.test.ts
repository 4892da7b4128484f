import { assert, defined, viewLimits } from "@loci/core";
import type { RequestStory } from "@loci/core";
import { describe, expect, it } from "vitest";
import { EngineBench, promptOf } from "../testing/engine-bench.ts";
import { TieredBench } from "../testing/tiered-bench.ts";
import { testRequest } from "../testing/requests.ts";
import { HappeningLog } from "./happening-log.ts";
import type { HappeningFacts } from "./happening-log.ts";
import { duration } from "./happening-reasons.ts";
import { StoryNotes } from "./story-notes.ts";

const dropped: HappeningFacts = {
  kind: "dropped",
  cause: "cheapest",
  tier: "device",
  blocks: 1,
  tenant: "tenant",
  requestId: null,
  seconds: 0.0004,
};

describe("HappeningLog", () => {
  it("makes one entry of what happens together, and keeps the last ones", () => {
    const log = new HappeningLog();
    log.note(dropped, 0);
    log.note({ ...dropped, tenant: "other" }, 10);
    log.note(dropped, 20);
    log.note({ ...dropped, blocks: 0 }, 20);
    expect(log.recent(1020)).toMatchObject([
      { sequence: 0, blocks: 2, agoSeconds: 1.02, reason: "cheapest to have again (800 µs)" },
      { sequence: 1, blocks: 1, tenant: "other" },
    ]);
    log.note(dropped, 500);
    expect(log.recent(500)).toHaveLength(3);
    for (let count = 0; count < 1000; count++) log.note(dropped, 1000 + 1000 * count);
    const recent = log.recent(2_000_000);
    expect(recent).toHaveLength(viewLimits.happeningsMax);
    expect(recent.at(-1)?.sequence).toBe(1002);
    log.checkIntegrity();
  });

  it("says how long in two digits", () => {
    expect([1e-9, 0.0000123, 0.00456, 0.5, 1.25, 90].map(duration)).toEqual([
      "under 1 µs",
      "12 µs",
      "4.6 ms",
      "500 ms",
      "1.3 s",
      "90 s",
    ]);
  });
});

describe("StoryNotes", () => {
  it("forgets a phase that did not last, and merges the last ones of a long story", () => {
    const notes = new StoryNotes(100);
    notes.enter("prefill", 100);
    notes.add(5);
    notes.enter("decode", 200);
    expect(notes.phases(300).map(({ phase }) => phase)).toEqual(["prefill", "decode"]);
    for (let turn = 0; turn < 1000; turn++) {
      notes.enter(turn % 2 === 0 ? "rescued" : "decode", 300 + turn);
      notes.add(1);
    }
    const phases = notes.phases(5000);
    expect(phases).toHaveLength(viewLimits.phasesMax);
    expect(phases.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(1005);
    expect(phases.at(-1)?.note).toMatch(/^and \d+ changes before$/u);
    expect(notes.rescues).toBe(500);
    notes.checkIntegrity();
  });
});

describe("a conversation that is looked at", () => {
  it("keeps its key and its name from turn to turn, and a branch gets its own", () => {
    const bench = new EngineBench();
    const keys = new Set<string>();
    const prompt = promptOf(100);
    for (let round = 0; round < 4; round++) {
      const id = bench.submit({ prompt, maxTokens: 20, sessionKey: "talk" });
      while (!bench.engine.isIdle) {
        bench.step();
        const [sequence] = bench.engine.watch.view(bench.nowMs).sequences;
        if (sequence !== undefined) keys.add(sequence.key);
      }
      const tokens = bench
        .eventsOf(id)
        .flatMap((event) => (event.type === "token" ? [event.tokenId] : []));
      prompt.push(...tokens, 5, 6, 7);
    }
    expect(keys.size).toBe(1);
    const { sequences } = bench.engine.watch.view(bench.nowMs + 3000);
    expect(sequences).toHaveLength(1);
    expect(sequences[0]).toMatchObject({ session: "talk", inUse: false, tenant: "tenant" });
    expect(defined(sequences[0]).idleSeconds).toBeCloseTo(3, 1);
    bench.submit({ prompt: [...promptOf(64), 9, 9, 9], sessionKey: "other" });
    bench.finish();
    const both = bench.engine.watch.view(bench.nowMs).sequences;
    expect(both.map(({ session }) => session)).toEqual(["other", "talk"]);
    expect(both.map(({ stretches }) => stretches[0])).toEqual([
      { place: "device", blocks: 2, shared: true },
      { place: "device", blocks: 2, shared: true },
    ]);
    expect(both[1]?.key).toBe([...keys][0]);
  });

  it("says where a prompt came from when it comes back from below", () => {
    const bench = new TieredBench({
      runner: { blockTokens: 16, blockCount: 24, contextTokensMax: 400, costMs: [10, 5, 0] },
      engine: { aheadShare: 1 },
      tiers: [{ name: "host", slotCount: 100, isDurable: false }],
      msPerBlock: { host: 30, disk: 60 },
    });
    const ask = (id: string, seed: number): void => {
      const prompt = promptOf(300, seed);
      bench.engine.submit(testRequest({ id, prompt, maxTokens: 4, ignoreEos: true }), bench.nowMs);
      while (!bench.engine.isIdle || bench.engine.hasMoves) bench.step();
    };
    ask("first", 1);
    ask("other", 2);
    ask("again", 1);
    const story = defined(bench.engine.watch.story("again", bench.nowMs));
    expect(story.fromHost).toBeGreaterThan(200);
    expect(story.fromDevice + story.fromHost + story.fromDisk).toBeLessThan(300);
    expect(story.phases.map(({ phase }) => phase)).toContain("restoring");
    const { happenings } = bench.engine.watch.view(bench.nowMs);
    const restored = happenings.find(({ kind }) => kind === "restored");
    expect(restored).toMatchObject({ tier: "host", requestId: "again", tenant: "tenant" });
    expect(restored?.reason).toMatch(/^in \d.* ms; computing takes \d/u);
    const drops = happenings.filter(({ kind }) => kind === "dropped");
    expect(drops.map(({ reason }) => reason).join()).toContain("a copy lies below");
  });

  it("counts what came back while it waited as from below, once", () => {
    const bench = new TieredBench({
      runner: { blockTokens: 16, blockCount: 40, contextTokensMax: 400, costMs: [10, 5, 0] },
      engine: { aheadShare: 1, sequencesMax: 1 },
      tiers: [{ name: "host", slotCount: 100, isDurable: false }],
      msPerBlock: { host: 1, disk: 10 },
    });
    const submit = (id: string, seed: number, tokens: number): void => {
      const prompt = promptOf(tokens, seed);
      bench.engine.submit(testRequest({ id, prompt, maxTokens: 8, ignoreEos: true }), bench.nowMs);
    };
    const settle = (): void => {
      while (!bench.engine.isIdle || bench.engine.hasMoves) bench.step();
    };
    for (const seed of [1, 2, 3]) {
      submit(`first ${seed}`, seed, 300);
      settle();
    }
    // Room for what is brought back early.
    bench.engine.cache.forgetCached("tenant", Int32Array.from(promptOf(300, 3)));
    submit("runs", 4, 20);
    submit("waits", 1, 300);
    settle();
    submit("later", 1, 300);
    settle();
    const story = (id: string): RequestStory => defined(bench.engine.watch.story(id, bench.nowMs));
    expect(story("waits").fromHost).toBeGreaterThan(200);
    expect(story("waits").phases.map(({ phase }) => phase)).not.toContain("restoring");
    expect(story("later")).toMatchObject({ fromHost: 0, fromDevice: 299 });
  });

  it("is one of a bounded number, the rest is counted", () => {
    const bench = new EngineBench({ runner: { blockCount: 8192 } });
    for (let index = 0; index < 100; index++) {
      bench.submit({
        prompt: [index, ...promptOf(99, index)],
        maxTokens: 1,
        sessionKey: `${index}`,
      });
      bench.finish();
    }
    const view = bench.engine.watch.view(bench.nowMs);
    expect(view.sequences).toHaveLength(viewLimits.sequencesMax);
    expect(view.sequencesOmitted).toBe(100 - viewLimits.sequencesMax);
    expect(view.sequences.map(({ session }) => session).slice(0, 2)).toEqual(["99", "98"]);
    for (const { stretches } of view.sequences) {
      expect(stretches).toEqual([{ place: "device", blocks: 4, shared: false }]);
    }
    expect(bench.engine.watch.story("unknown", 0)).toBeNull();
  });

  it("says that blocks came from another worker", () => {
    const bench = new EngineBench();
    const prompt = Int32Array.from(promptOf(100));
    for (let index = 0; index < 2; index++) {
      const reserved = bench.engine.exchange.reserve("tenant", prompt, index);
      assert(reserved !== null && reserved !== "held", "there is room");
      const tokens = prompt.slice(32 * index, 32 * index + 32);
      bench.runner.writeBlock(reserved.block, { tokens, contexts: new Int32Array(32) });
      bench.engine.exchange.publish(reserved);
    }
    const ids = [1, 2].map((turn) => {
      const id = bench.submit({ prompt: [...prompt, turn], maxTokens: 2 });
      bench.finish();
      return id;
    });
    const stories = ids.map((id) => defined(bench.engine.watch.story(id, bench.nowMs)));
    expect(stories[0]).toMatchObject({ fromPeer: 64, fromDevice: 0, promptTokens: 101 });
    expect(stories[1]).toMatchObject({ fromPeer: 0, fromDevice: 100 });
    const { happenings } = bench.engine.watch.view(bench.nowMs);
    expect(happenings).toMatchObject([
      { kind: "moved_in", blocks: 2, tenant: "tenant", reason: "fetched from another worker" },
    ]);
  });

  it("costs a step nothing that grows with it", () => {
    const bench = new EngineBench({ runner: { contextTokensMax: 4096 } });
    const ids = Array.from({ length: 8 }, (_, index) =>
      bench.submit({ prompt: promptOf(40, index), maxTokens: 2000, ignoreEos: true }),
    );
    for (let step = 0; step < 1500; step++) bench.step();
    const { log } = bench.engine.watch.happenings;
    // Thousands of tokens later: a line of each request, and nothing noted that did not happen.
    for (const id of ids) {
      const story = defined(bench.engine.watch.story(id, bench.nowMs));
      expect(story.generatedTokens).toBeGreaterThan(1400);
      expect(story.phases.length).toBeLessThanOrEqual(3);
    }
    expect(log.counts).toEqual({ noted: 0, entries: 0 });
  });
});
