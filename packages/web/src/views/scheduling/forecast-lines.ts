// The memory that the running answers are expected to need, against what there is.

import type { PeakForecast } from "@loci/core";

export interface ForecastLines {
  readonly worker: string | null;
  readonly seconds: readonly number[];
  readonly median: readonly number[];
  readonly high: readonly number[];
  readonly capacity: readonly number[];
  readonly blocksTotal: number;
  /** The highest points. */
  readonly peakMedian: number;
  readonly peakHigh: number;
}

export function forecastLines({ worker, blocksTotal, points }: PeakForecast): ForecastLines {
  const median = points.map(({ blocksMedian }) => blocksMedian);
  const high = points.map(({ blocksHigh }) => blocksHigh);
  return {
    worker,
    seconds: points.map(({ secondsAhead }) => secondsAhead),
    median,
    high,
    capacity: points.map(() => blocksTotal),
    blocksTotal,
    peakMedian: Math.max(0, ...median),
    peakHigh: Math.max(0, ...high),
  };
}

/** The worker whose memory is expected to be fullest; null when nobody forecasts. */
export function fullestForecast(forecasts: readonly PeakForecast[]): PeakForecast | null {
  let fullest: PeakForecast | null = null;
  let use = Number.NEGATIVE_INFINITY;
  for (const forecast of forecasts) {
    const peak = Math.max(0, ...forecast.points.map(({ blocksHigh }) => blocksHigh));
    const share = peak / Math.max(1, forecast.blocksTotal);
    if (share <= use) continue;
    fullest = forecast;
    use = share;
  }
  return fullest;
}
