// Views and stories for tests, of any content that is allowed.

import * as fc from "fast-check";
import { kvTierNames, viewLimits } from "@loci/core";
import type { RequestStory, ServiceView } from "@loci/core";

const text = fc.string({ unit: "binary", maxLength: 20 }).map((value) => value.toWellFormed());
const count = fc.integer({ min: 0, max: 1_000_000 });
const positive = fc.double({ min: 0, max: 1e6, noNaN: true }).map((value) => value + 0);
const maybe = <T>(part: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(part);
const tier = fc.constantFrom(...kvTierNames);
const band = maybe(fc.record({ low: count, median: count, high: count }));
const nobody = fc.constant(null);

const request = fc.record({
  id: text.map((id) => `${id}.0`),
  tenant: text,
  session: maybe(text),
  worker: nobody,
  phase: fc.constantFrom("waiting", "restoring", "prefill", "decode"),
  ageSeconds: positive,
  promptTokens: count,
  cachedTokens: count,
  computedTokens: count,
  generatedTokens: count,
  maxTokens: count,
  predicted: band,
  promisedTokens: maybe(count),
  blocksHeld: count,
  rescues: count,
});
const sequence = fc.record({
  key: text,
  tenant: text,
  session: maybe(text),
  worker: nobody,
  tokens: count,
  idleSeconds: positive,
  inUse: fc.boolean(),
  stretches: fc.array(
    fc.record({
      place: fc.constantFrom(...kvTierNames, "missing"),
      blocks: count,
      shared: fc.boolean(),
    }),
    { maxLength: 3 },
  ),
});
const happening = fc.record({
  sequence: count,
  worker: nobody,
  agoSeconds: positive,
  kind: fc.constantFrom("copied", "dropped", "restored", "recomputed", "moved_in", "gave_way"),
  tier: maybe(tier),
  blocks: count,
  reason: text,
  tenant: maybe(text),
  requestId: maybe(text),
});

export const anyView: fc.Arbitrary<ServiceView> = fc.record({
  requests: fc.array(request, { maxLength: 40 }),
  requestsOmitted: count,
  places: fc.array(
    fc.record({
      worker: nobody,
      tier,
      blocksTotal: count,
      blocksUsed: count,
      blocksHeld: count,
    }),
    { maxLength: 3 },
  ),
  blockTokens: fc.integer({ min: 1, max: 64 }),
  forecasts: fc.array(
    fc.record({
      worker: nobody,
      blocksTotal: count,
      points: fc.array(
        fc.record({ secondsAhead: positive, blocksMedian: positive, blocksHigh: positive }),
        { maxLength: viewLimits.forecastPointsMax },
      ),
    }),
    { maxLength: 1 },
  ),
  sequences: fc.array(sequence, { maxLength: viewLimits.sequencesMax }),
  sequencesOmitted: count,
  happenings: fc.array(happening, { maxLength: 40 }),
});

/** Its phases follow each other, as a worker tells them. */
export const anyStory: fc.Arbitrary<RequestStory> = fc
  .record({
    id: text,
    tenant: text,
    session: maybe(text),
    worker: nobody,
    lengths: fc.array(positive, { maxLength: viewLimits.phasesMax }),
    promptTokens: count,
    fromDevice: count,
    fromHost: count,
    fromDisk: count,
    fromPeer: count,
    recomputedTokens: count,
    generatedTokens: count,
    predicted: band,
    firstTokenSeconds: maybe(positive),
    endSeconds: maybe(positive),
    finishReason: maybe(fc.constantFrom("stop", "length", "cancelled", "failed")),
    placement: nobody,
  })
  .map(({ lengths, ...story }) => {
    let end = 0;
    const phases = lengths.map((seconds, index) => {
      const startSeconds = end;
      end += seconds;
      const phase = index % 2 === 0 ? ("prefill" as const) : ("rescued" as const);
      const note = index % 3 === 0 ? null : "a note";
      return { phase, startSeconds, endSeconds: end, tokens: index, note };
    });
    return Object.assign(story, { phases });
  });
