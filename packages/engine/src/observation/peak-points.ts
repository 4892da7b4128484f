// What the running requests are expected to hold from now on, in seconds of decoding together.

import { defined, viewLimits } from "@loci/core";
import type { LatencyModel, PeakForecast as PeakView } from "@loci/core";
import type { PeakForecast } from "../admission/peak-forecast.ts";
import type { PrefixIndex } from "../kv/prefix-index.ts";
import type { EngineRequest } from "../request.ts";

/** Standard deviations above the mean that 90 % of a normal distribution lie below. */
const highDeviations = 1.2816;

export interface PeakPointsParts {
  readonly index: PrefixIndex;
  readonly latency: LatencyModel;
  /** Its own to use, until the next who does. */
  readonly peak: PeakForecast;
  readonly running: readonly EngineRequest[];
  /** Device blocks that are held now. */
  readonly blocksHeld: number;
}

export function peakPoints(parts: PeakPointsParts): PeakView {
  const { index, peak, running, blocksHeld } = parts;
  peak.clear();
  for (const request of running) {
    const { forecast, generated, tokensKnown } = request;
    const blocks = defined(request.blocks);
    const sizes = { blocksHeld: blocks.blockCount, blocksOwned: index.ownedCount(blocks) };
    peak.add({ forecast, generated, tokensKnown, ...sizes, blocksNeeded: 0 });
  }
  const stepSeconds = decodeSeconds(parts);
  const first = { secondsAhead: 0, blocksMedian: blocksHeld, blocksHigh: blocksHeld };
  const later = thinned(peak.points(highDeviations), viewLimits.forecastPointsMax - 1);
  return {
    worker: null,
    blocksTotal: index.blockCount,
    points: [
      first,
      ...later.map(({ stepsAhead, expected, high }) => ({
        secondsAhead: stepsAhead * stepSeconds,
        blocksMedian: Math.max(0, blocksHeld + expected),
        blocksHigh: Math.max(0, blocksHeld + high),
      })),
    ],
  };
}

/** Of one step in which all of them decode. */
function decodeSeconds({ latency, running }: PeakPointsParts): number {
  const { length } = running;
  const attended = running.reduce((sum, { tokensKnown }) => sum + tokensKnown, 0);
  return latency.predictSeconds({ tokens: length, attended, sequences: length });
}

/** Evenly, the last one kept. */
function thinned<T>(points: readonly T[], countMax: number): readonly T[] {
  if (points.length <= countMax) return points;
  const last = points.length - 1;
  return Array.from({ length: countMax }, (_, index) =>
    defined(points[Math.round((index * last) / (countMax - 1))]),
  );
}
