// Several predictors as one: the mixture of what they believe, each by how right it has been of
// late, for everybody and for the tenant at hand.

import { assert, defined } from "@loci/core";
import { allowed, certainForecast } from "../fixed-forecast.ts";
import { hasten, type HastyPredictor } from "../hasty-predictor.ts";
import { LengthDistribution } from "../length-distribution.ts";
import type {
  LengthForecast,
  LengthOutcome,
  LengthPredictor,
  LengthQuery,
} from "../length-predictor.ts";
import { StateReader, StateWriter } from "../state/state-bytes.ts";
import { ExpertWeights } from "./expert-weights.ts";
import { judgedTokens, stageAfter, type Stage } from "./forecast-stage.ts";
import { pinballLoss } from "./pinball-loss.ts";

const stateKind = 3;
const stateVersion = 1;
const expertBytesMax = 64 * 2 ** 20;

export class CombinedPredictor implements HastyPredictor {
  readonly name = "combined";
  readonly readsHidden: boolean;
  readonly #experts: readonly LengthPredictor[];
  #weights: ExpertWeights;

  /** `experts` in an order that stays the same from start to start: what was saved follows it. */
  constructor(experts: readonly LengthPredictor[]) {
    this.#experts = experts;
    this.readsHidden = experts.some((expert) => expert.readsHidden === true);
    this.#weights = new ExpertWeights(experts.length);
  }

  open(query: LengthQuery): LengthForecast {
    const certain = certainForecast(query);
    if (certain !== null) return certain;
    const forecasts = this.#experts.map((expert) => expert.open(query));
    return new CombinedForecast(query, forecasts, () => this.#weights);
  }

  hasten(): void {
    this.#weights.hasten();
    for (const expert of this.#experts) hasten(expert);
  }

  save(): Uint8Array {
    const writer = new StateWriter();
    this.#weights.write(writer);
    for (const expert of this.#experts) {
      writer.text(expert.name);
      writer.bytes(expert.save() ?? new Uint8Array(0));
    }
    return writer.finish(stateKind, stateVersion);
  }

  restore(bytes: Uint8Array): boolean {
    const reader = StateReader.open(bytes, stateKind, stateVersion);
    if (reader === null) return false;
    const weights = ExpertWeights.read(reader, this.#experts.length);
    const states = this.#experts.map((expert) => {
      reader.require(reader.text(64) === expert.name);
      return reader.bytes(expertBytesMax);
    });
    if (!reader.isWhole() || !this.#restoreExperts(states)) return false;
    this.#weights = weights;
    return true;
  }

  checkIntegrity(): void {
    this.#weights.checkIntegrity();
  }

  /** All or none: those that took theirs up get back what they had when a later one refuses. */
  #restoreExperts(states: readonly Uint8Array[]): boolean {
    const before = this.#experts.map((expert) => expert.save());
    for (const [i, expert] of this.#experts.entries()) {
      const state = defined(states[i]);
      if (state.length === 0 || expert.restore(state)) continue;
      for (const [j, restored] of this.#experts.slice(0, i).entries()) {
        const had = before[j] ?? null;
        assert(had === null || restored.restore(had), "a predictor takes up what it saved");
      }
      return false;
    }
    return true;
  }
}

/** What the experts believed at a stage, to be judged at the end. */
type Beliefs = readonly LengthDistribution[];

class CombinedForecast implements LengthForecast {
  distribution: LengthDistribution;
  readonly #query: LengthQuery;
  readonly #forecasts: readonly LengthForecast[];
  readonly #weights: () => ExpertWeights;
  readonly #judged: (Beliefs | null)[] = [null, null, null];
  #beliefs: Beliefs;

  constructor(
    query: LengthQuery,
    forecasts: readonly LengthForecast[],
    weights: () => ExpertWeights,
  ) {
    this.#query = query;
    this.#forecasts = forecasts;
    this.#weights = weights;
    this.#beliefs = forecasts.map(({ distribution }) => distribution);
    this.#judged[0] = this.#beliefs;
    this.distribution = this.#mixed(this.#beliefs, 0);
  }

  observe(generated: number, hidden: Float32Array | null): void {
    let hasChanged = false;
    for (const [i, forecast] of this.#forecasts.entries()) {
      forecast.observe(generated, hidden);
      if (forecast.distribution !== this.#beliefs[i]) hasChanged = true;
    }
    if (!hasChanged) return;
    this.#beliefs = this.#forecasts.map(({ distribution }) => distribution);
    const stage = stageAfter(generated);
    const beliefs = this.#beliefs.map((belief) => belief.longerThan(generated));
    if (stage === 1 || (generated >= judgedTokens && this.#judged[2] === null)) {
      this.#judged[stage] = beliefs;
    }
    this.distribution = this.#mixed(beliefs, stage);
  }

  close(outcome: LengthOutcome): void {
    for (const forecast of this.#forecasts) forecast.close(outcome);
    if (outcome.tokens < 1) return;
    const stages: readonly Stage[] = [0, 1, 2];
    for (const stage of stages) {
      const beliefs = this.#judged[stage] ?? null;
      if (beliefs === null) continue;
      const losses = Float64Array.from(beliefs, (belief) => pinballLoss(belief, outcome));
      this.#weights().learn(this.#query.tenant, stage, losses);
    }
  }

  #mixed(beliefs: Beliefs, stage: Stage): LengthDistribution {
    const weights = this.#weights().of(this.#query.tenant, stage);
    const parts = beliefs.map((distribution, i) => ({ weight: weights[i] ?? 0, distribution }));
    return allowed(LengthDistribution.mixture(parts), this.#query);
  }
}
