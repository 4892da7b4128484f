// Several predictors on the same requests of one engine: each sees every observation and learns from
// every end, in the order in which things happen there. The first one is what the engine goes by.

import { defined, type Clock } from "@loci/core";
import type {
  LengthDistribution,
  LengthForecast,
  LengthOutcome,
  LengthPredictor,
  LengthQuery,
} from "@loci/predict";

/** What one predictor believed of one answer when so many tokens of it were there. */
export interface Belief {
  readonly predictor: string;
  readonly generated: number;
  readonly median: number;
  /** The middle 90 %. */
  readonly low: number;
  readonly high: number;
}

export interface AnswerRecord extends LengthOutcome {
  readonly query: LengthQuery;
  readonly beliefs: readonly Belief[];
}

/** What predicting cost: sums of milliseconds, over observations that brought a state. */
type PredictorCost = {
  observeMs: number;
  observations: number;
  closeMs: number;
  closes: number;
};

export class ComparedPredictors implements LengthPredictor {
  readonly name = "compared";
  readonly readsHidden = true;
  /** In the order of the answers' ends. */
  readonly records: AnswerRecord[] = [];
  /** By predictor. */
  readonly costs: Map<string, PredictorCost>;
  readonly #predictors: readonly LengthPredictor[];
  readonly #readAt: readonly number[];
  readonly #clock: Clock;

  /** `readAt`: counts of generated tokens at which beliefs are kept. */
  constructor(predictors: readonly LengthPredictor[], readAt: readonly number[], clock: Clock) {
    this.#predictors = predictors;
    this.#readAt = readAt;
    this.#clock = clock;
    this.costs = new Map(
      predictors.map(({ name }) => [
        name,
        { observeMs: 0, observations: 0, closeMs: 0, closes: 0 },
      ]),
    );
  }

  open(query: LengthQuery): LengthForecast {
    const forecasts = this.#predictors.map((predictor) => ({
      predictor: predictor.name,
      forecast: predictor.open(query),
    }));
    const first = defined(forecasts[0]).forecast;
    const beliefs: Belief[] = [];
    return {
      get distribution(): LengthDistribution {
        return first.distribution;
      },
      observe: (generated, hidden) => {
        for (const { predictor, forecast } of forecasts) {
          const distribution = this.#observe(predictor, forecast, { generated, hidden });
          if (!this.#readAt.includes(generated)) continue;
          beliefs.push(readBelief(predictor, generated, distribution));
        }
      },
      close: (outcome) => {
        for (const { predictor, forecast } of forecasts) this.#close(predictor, forecast, outcome);
        this.records.push({ ...outcome, query, beliefs });
      },
    };
  }

  save(): null {
    return null;
  }

  restore(): boolean {
    return false;
  }

  #observe(
    predictor: string,
    forecast: LengthForecast,
    { generated, hidden }: { generated: number; hidden: Float32Array | null },
  ): LengthDistribution {
    const startMs = this.#clock.nowMs();
    forecast.observe(generated, hidden);
    const { distribution } = forecast;
    // Steps without a state cost nothing worth a mean.
    if (hidden === null) return distribution;
    const cost = defined(this.costs.get(predictor));
    cost.observeMs += this.#clock.nowMs() - startMs;
    cost.observations++;
    return distribution;
  }

  #close(predictor: string, forecast: LengthForecast, outcome: LengthOutcome): void {
    const startMs = this.#clock.nowMs();
    forecast.close(outcome);
    const cost = defined(this.costs.get(predictor));
    cost.closeMs += this.#clock.nowMs() - startMs;
    cost.closes++;
  }
}

function readBelief(
  predictor: string,
  generated: number,
  distribution: LengthDistribution,
): Belief {
  const given = distribution.longerThan(generated);
  const [median, low, high] = [0.5, 0.05, 0.95].map((level) => given.quantile(level));
  return {
    predictor,
    generated,
    median: defined(median),
    low: defined(low),
    high: defined(high),
  };
}
