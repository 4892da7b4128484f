// Looking at an engine with memories below the device in a random life: what it shows agrees with what
// can be counted otherwise, and every story is one line of phases from its beginning to its end.

import { assert, defined, viewLimits } from "@loci/core";
import type { CachedChain, RequestStory, SequenceView, ServiceView } from "@loci/core";
import { describe, expect, it } from "vitest";
import { finish, makeTieredWorld, turn } from "../testing/tiered-world.ts";
import type { TieredWorld } from "../testing/tiered-world.ts";

const tenants = ["tenant 0", "tenant 1"];

interface Named extends CachedChain {
  readonly tenant: string;
}

function chainsOf({ engine }: TieredWorld): readonly Named[] {
  return tenants.flatMap((tenant) =>
    engine.cache.cachedChains(tenant, 10_000).map((chain) => Object.assign({}, chain, { tenant })),
  );
}

/** Blocks of a chain that another of its tenant begins with, too. */
function sharedBlocks(chain: Named, chains: readonly Named[], blockTokens: number): number {
  let shared = 0;
  for (const other of chains) {
    if (other === chain || other.tenant !== chain.tenant) continue;
    let common = 0;
    while (common < chain.tokens.length && chain.tokens[common] === other.tokens[common]) common++;
    shared = Math.max(shared, Math.floor(common / blockTokens));
  }
  return shared;
}

function describeChain(chain: Named, chains: readonly Named[], blockTokens: number): string {
  const { device, host, disk, missing } = chain.byTier;
  const places = [device, host, disk, missing].join(" ");
  const shared = sharedBlocks(chain, chains, blockTokens);
  return `${chain.tenant} ${chain.tokens.length}: ${places} shared ${shared}`;
}

function describeSequence(sequence: SequenceView, blockTokens: number): string {
  const tokens = { device: 0, host: 0, disk: 0, missing: 0 };
  let [blocks, shared] = [0, 0];
  for (const stretch of sequence.stretches) {
    const start = blocks * blockTokens;
    blocks += stretch.blocks;
    tokens[stretch.place] += Math.min(sequence.tokens, blocks * blockTokens) - start;
    if (stretch.shared) shared += stretch.blocks;
  }
  expect(blocks).toBe(Math.ceil(sequence.tokens / blockTokens));
  const { device, host, disk, missing } = tokens;
  const places = [device, host, disk, missing].join(" ");
  return `${sequence.tenant} ${sequence.tokens}: ${places} shared ${shared}`;
}

/** Returns how many sequences were shown. */
function compareSequences(world: TieredWorld, view: ServiceView): number {
  const { blockTokens } = world.runner.limits;
  const chains = chainsOf(world);
  const counted = chains.map((chain) => describeChain(chain, chains, blockTokens));
  const shown = view.sequences.map((sequence) => describeSequence(sequence, blockTokens));
  expect(shown.length + view.sequencesOmitted).toBe(counted.length);
  expect(new Set(view.sequences.map(({ key }) => key)).size).toBe(shown.length);
  const left = [...counted];
  for (const each of shown) {
    const place = left.indexOf(each);
    assert(place >= 0, `nothing is known of '${each}'; there are: ${counted.join("; ")}`);
    left.splice(place, 1);
  }
  return shown.length;
}

function compareNumbers({ engine }: TieredWorld, view: ServiceView): void {
  const { requestsRunning, requestsWaiting, kvTiers, ...now } = engine.snapshot();
  const [device, ...below] = view.places;
  expect(view.requests).toHaveLength(requestsRunning + requestsWaiting);
  const waiting = view.requests.filter(({ phase }) => phase === "waiting");
  expect(waiting).toHaveLength(requestsWaiting);
  expect(view.requests.slice(requestsRunning)).toEqual(waiting);
  expect(device).toMatchObject({
    blocksTotal: now.kvBlocksTotal,
    blocksUsed: now.kvBlocksTotal - now.kvBlocksFree,
  });
  expect(below.map(({ blocksUsed }) => blocksUsed)).toEqual(
    (kvTiers ?? []).map(({ slotsUsed }) => slotsUsed),
  );
  for (const request of view.requests) {
    const known = request.promptTokens + request.generatedTokens;
    expect(request.computedTokens).toBeLessThanOrEqual(known);
    expect(request.phase === "waiting" ? request.blocksHeld : 0).toBe(0);
    const { low, median, high } = defined(request.predicted);
    expect(low).toBeGreaterThan(request.generatedTokens);
    expect(low <= median && median <= high).toBe(true);
  }
  const [forecast] = view.forecasts;
  const points = defined(forecast).points;
  expect(points.length).toBeLessThanOrEqual(viewLimits.forecastPointsMax);
  expect(points[0]).toEqual({
    secondsAhead: 0,
    blocksMedian: device?.blocksHeld,
    blocksHigh: device?.blocksHeld,
  });
  for (const [index, { secondsAhead, blocksHigh, blocksMedian }] of points.entries()) {
    expect(secondsAhead).toBeGreaterThanOrEqual(points[index - 1]?.secondsAhead ?? 0);
    expect(blocksHigh).toBeGreaterThanOrEqual(blocksMedian);
  }
}

function compareHappenings(view: ServiceView, before: ServiceView | null): void {
  const { happenings } = view;
  expect(happenings.length).toBeLessThanOrEqual(viewLimits.happeningsMax);
  for (const [index, each] of happenings.entries()) {
    const next = happenings[index + 1];
    expect(each.blocks).toBeGreaterThan(0);
    expect(each.reason).not.toBe("");
    if (next === undefined) continue;
    assert(next.sequence === each.sequence + 1, "happenings are counted without gaps");
    assert(next.agoSeconds <= each.agoSeconds, "the oldest comes first");
  }
  const last = before?.happenings.at(-1)?.sequence ?? -1;
  assert((happenings.at(-1)?.sequence ?? -1) >= last, "no happening is taken back");
}

function checkPhases({ phases, endSeconds }: RequestStory, untilSeconds: number): void {
  let reached = 0;
  for (const { startSeconds, endSeconds: end, tokens } of phases) {
    assert(startSeconds === reached && end >= startSeconds, "phases follow each other");
    assert(tokens >= 0, "tokens are counted");
    reached = end;
  }
  expect(reached).toBeCloseTo(endSeconds ?? untilSeconds, 9);
}

/** Where its prompt came from, if it got its first token in one go; null otherwise. */
function sourcesOf(story: RequestStory): { cached: number; computed: number } | null {
  const decode = story.phases.findIndex(({ phase }) => phase === "decode");
  const before = story.phases.slice(0, Math.max(0, decode));
  const isStraight = before.every(({ phase, note }, index) => {
    const isAgain = phase === "waiting" ? index > 0 : phase === "rescued" || note !== null;
    return !isAgain;
  });
  if (decode < 0 || !isStraight || story.firstTokenSeconds === null) return null;
  const { fromDevice, fromHost, fromDisk, fromPeer } = story;
  const computed = before
    .filter(({ phase }) => phase === "prefill")
    .reduce((sum, { tokens }) => sum + tokens, 0);
  return { cached: fromDevice + fromHost + fromDisk + fromPeer, computed };
}

/** Returns how many prompts were accounted for in full. */
function checkStories(world: TieredWorld, nowMs: number): number {
  let whole = 0;
  for (const [id, outcome] of world.outcomes) {
    const story = world.engine.watch.story(id, nowMs);
    assert(story !== null, "a recent request is remembered");
    expect(story.endSeconds === null).toBe(outcome.end === null);
    if (story.endSeconds !== null) checkPhases(story, 0);
    expect(story.generatedTokens).toBeGreaterThanOrEqual(outcome.tokens.length);
    expect(story.recomputedTokens).toBeLessThanOrEqual(story.promptTokens);
    const sources = sourcesOf(story);
    const delivered = story.generatedTokens - decoded(story);
    if (sources === null || delivered > 0) continue;
    expect(sources.cached + sources.computed).toBe(story.promptTokens);
    whole++;
  }
  return whole;
}

function decoded({ phases }: RequestStory): number {
  return phases
    .filter(({ phase }) => phase === "decode")
    .reduce((sum, { tokens }) => sum + tokens, 0);
}

describe("looking at an engine", () => {
  it("shows what can be counted otherwise", () => {
    const kinds = new Set<string>();
    const phases = new Set<string>();
    const places = new Set<string>();
    let sequences = 0;
    for (let seed = 0; seed < 12; seed++) {
      const world = makeTieredWorld(seed, 0.05);
      let before: ServiceView | null = null;
      for (let step = 0; step < 60; step++) {
        turn(world, step * 10, 0.02);
        const view = world.engine.watch.view(step * 10);
        compareNumbers(world, view);
        compareHappenings(view, before);
        sequences += compareSequences(world, view);
        for (const { kind } of view.happenings) kinds.add(kind);
        for (const { phase } of view.requests) phases.add(phase);
        for (const { stretches } of view.sequences) {
          for (const { place } of stretches) places.add(place);
        }
        before = view;
      }
      finish(world, 1000);
    }
    expect(sequences).toBeGreaterThan(2000);
    expect([...phases].toSorted()).toEqual(["decode", "prefill", "restoring", "waiting"]);
    expect([...places].toSorted()).toEqual(["device", "disk", "host", "missing"]);
    for (const kind of ["copied", "dropped", "restored", "recomputed", "gave_way", "outgrown"]) {
      expect([...kinds]).toContain(kind);
    }
  });

  it("tells every request's story from beginning to end", () => {
    let whole = 0;
    const seen = new Set<string>();
    for (let seed = 100; seed < 118; seed++) {
      const world = makeTieredWorld(seed, 0.05);
      for (let step = 0; step < 60; step++) {
        turn(world, step * 10, 0.02);
        for (const { id } of world.engine.watch.view(step * 10).requests) {
          const story = defined(world.engine.watch.story(id, step * 10));
          expect(story.endSeconds).toBeNull();
          checkPhases(story, defined(story.phases.at(-1)).endSeconds);
        }
      }
      finish(world, 1000);
      whole += checkStories(world, 10_000);
      for (const id of world.outcomes.keys()) {
        const { phases: told } = defined(world.engine.watch.story(id, 10_000));
        for (const { phase } of told) seen.add(phase);
      }
    }
    expect(whole).toBeGreaterThan(100);
    expect([...seen].toSorted()).toEqual(["decode", "prefill", "rescued", "restoring", "waiting"]);
  });
});
