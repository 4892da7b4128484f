// Any predictor, made to keep its word: what it calls its 90 % interval holds 90 % of the answers.
// Finished answers tell at which level of the belief they fell; a tracker for each stage of a
// forecast corrects the levels, and a watch notices when traffic has changed.

import { assert, uniformAt, ValueHistogram } from "@loci/core";
import { hasten } from "../hasty-predictor.ts";
import type { LengthDistribution } from "../length-distribution.ts";
import type {
  LengthForecast,
  LengthOutcome,
  LengthPredictor,
  LengthQuery,
  LengthReport,
} from "../length-predictor.ts";
import { allowed, certainForecast } from "../fixed-forecast.ts";
import { StateReader, StateWriter } from "../state/state-bytes.ts";
import { DriftWatch } from "./drift-watch.ts";
import { judgedTokens, stageAfter, stageCount, type Stage } from "./forecast-stage.ts";
import { LevelTracker } from "./level-tracker.ts";

/** Traffic has changed. */
export interface LengthDrift {
  /** Share of recent answers within their 90 % interval. */
  readonly coverage: number;
  /** How often this was noticed so far, this time included. */
  readonly drifts: number;
}

export interface CalibrationOptions {
  readonly seed: number;
  /** Called when a change of traffic is noticed. */
  readonly onDrift?: (drift: LengthDrift) => void;
}

/** Of an answer's tokens over their predicted median; 1 is exact. */
const errorBounds = [0.1, 0.25, 0.5, 0.75, 0.9, 1, 1.1, 1.33, 2, 4, 10];
const coverageAnswersMax = 200;
const innerBytesMax = 256 * 2 ** 20;
const stateKind = 4;
const stateVersion = 1;

export class CalibratedPredictor implements LengthPredictor {
  readonly name: string;
  readonly readsHidden: boolean;
  readonly #inner: LengthPredictor;
  readonly #options: CalibrationOptions;
  #trackers: readonly LevelTracker[] = newTrackers();
  readonly #watch = new DriftWatch();
  /** For recent answers, 1 within the interval, 0 outside; a ring. */
  readonly #covered = new Uint8Array(coverageAnswersMax);
  readonly #errors = new ValueHistogram(errorBounds);
  #coverageAnswers = 0;
  #finished = 0;
  #drifts = 0;

  constructor(inner: LengthPredictor, options: CalibrationOptions) {
    this.name = inner.name;
    this.readsHidden = inner.readsHidden === true;
    this.#inner = inner;
    this.#options = options;
  }

  /** Share of the last answers that fell within their 90 % interval; null before the first. */
  get coverage(): number | null {
    const count = Math.min(this.#coverageAnswers, coverageAnswersMax);
    if (count === 0) return null;
    return this.#covered.subarray(0, count).reduce((sum, each) => sum + each, 0) / count;
  }

  /** Ended answers that were learned from since the start. */
  get answers(): number {
    return this.#finished;
  }

  /** How often a change of traffic was noticed. */
  get drifts(): number {
    return this.#drifts;
  }

  report(): LengthReport {
    const { coverage, answers, drifts } = this;
    return { coverage, answers, drifts, errors: this.#errors.counts() };
  }

  open(query: LengthQuery): LengthForecast {
    const certain = certainForecast(query);
    if (certain !== null) return certain;
    return new CalibratedForecast(query, this.#inner.open(query), {
      trackers: () => this.#trackers,
      draw: () => uniformAt(this.#options.seed, this.#finished++),
      judge: (ended) => {
        this.#judge(query, ended);
      },
    });
  }

  save(): Uint8Array {
    const writer = new StateWriter();
    for (const tracker of this.#trackers) tracker.write(writer);
    writer.bytes(this.#inner.save() ?? new Uint8Array(0));
    return writer.finish(stateKind, stateVersion);
  }

  restore(bytes: Uint8Array): boolean {
    const reader = StateReader.open(bytes, stateKind, stateVersion);
    if (reader === null) return false;
    const trackers = newTrackers();
    for (const tracker of trackers) tracker.read(reader);
    const inner = reader.bytes(innerBytesMax);
    if (!reader.isWhole()) return false;
    if (inner.length > 0 && !this.#inner.restore(inner)) return false;
    this.#trackers = trackers;
    return true;
  }

  checkIntegrity(): void {
    for (const tracker of this.#trackers) tracker.checkIntegrity();
    assert(this.#trackers.length === stageCount, "each stage has its tracker");
  }

  /** The first belief of a request against its answer: coverage, drift. */
  #judge(query: LengthQuery, { belief, outcome, share }: Ended): void {
    // One that ended at its limit has the length that its belief is about; one that was
    // cancelled has not, and says nothing of the interval.
    if (outcome.isCensored && outcome.tokens < query.tokensMax) return;
    const isCovered =
      outcome.tokens >= belief.quantile(0.05) && outcome.tokens <= belief.quantile(0.95);
    this.#covered[this.#coverageAnswers % coverageAnswersMax] = Number(isCovered);
    this.#coverageAnswers++;
    this.#errors.observe(outcome.tokens / Math.max(1, belief.quantile(0.5)));
    const coverage = this.#watch.notice(levelWithin(belief, outcome, share));
    if (coverage === null) return;
    this.#drifts++;
    hasten(this.#inner);
    for (const tracker of this.#trackers) tracker.hasten();
    this.#options.onDrift?.({ coverage, drifts: this.#drifts });
  }
}

/** A belief at one stage, as it was and as it was corrected. */
interface Judged {
  readonly raw: LengthDistribution;
  readonly calibrated: LengthDistribution;
}

interface CalibrationHooks {
  readonly trackers: () => readonly LevelTracker[];
  /** Uniform in [0, 1). */
  readonly draw: () => number;
  readonly judge: (ended: Ended) => void;
}

interface Ended {
  /** What was believed first. */
  readonly belief: LengthDistribution;
  readonly outcome: LengthOutcome;
  /** A length lies on a step of the belief: this far up. Drawn, so that levels spread evenly. */
  readonly share: number;
}

class CalibratedForecast implements LengthForecast {
  distribution: LengthDistribution;
  readonly #query: LengthQuery;
  readonly #inner: LengthForecast;
  readonly #hooks: CalibrationHooks;
  readonly #judged: (Judged | null)[] = [null, null, null];
  #raw: LengthDistribution;

  constructor(query: LengthQuery, inner: LengthForecast, hooks: CalibrationHooks) {
    this.#query = query;
    this.#inner = inner;
    this.#hooks = hooks;
    this.#raw = inner.distribution;
    this.distribution = this.#calibrated(this.#raw, 0);
    this.#judged[0] = { raw: this.#raw, calibrated: this.distribution };
  }

  observe(generated: number, hidden: Float32Array | null): void {
    this.#inner.observe(generated, hidden);
    if (this.#inner.distribution === this.#raw) return;
    this.#raw = this.#inner.distribution;
    const stage = stageAfter(generated);
    const raw = allowed(this.#raw.longerThan(generated), this.#query);
    this.distribution = this.#calibrated(raw, stage);
    if (stage === 1 || (generated >= judgedTokens && this.#judged[2] === null)) {
      this.#judged[stage] = { raw, calibrated: this.distribution };
    }
  }

  close(outcome: LengthOutcome): void {
    this.#inner.close(outcome);
    if (outcome.tokens < 1) return;
    const share = this.#hooks.draw();
    for (const [stage, judged] of this.#judged.entries()) {
      if (judged === null) continue;
      const tracker = this.#hooks.trackers()[stage];
      const said = levelWithin(judged.raw, outcome, outcome.isCensored ? 0 : share);
      tracker?.learn(said, outcome.isCensored);
    }
    const first = this.#judged[0] ?? null;
    assert(first !== null, "a forecast has a first belief");
    this.#hooks.judge({ belief: first.calibrated, outcome, share });
  }

  #calibrated(raw: LengthDistribution, stage: Stage): LengthDistribution {
    const tracker = this.#hooks.trackers()[stage];
    assert(tracker !== undefined, "each stage has its tracker");
    return raw.mapped((said) => tracker.levelOf(said));
  }
}

/** The level at which the length fell: `share` of the way up the step that a whole count makes. */
function levelWithin(belief: LengthDistribution, outcome: LengthOutcome, share: number): number {
  const below = 1 - belief.survival(outcome.tokens - 1);
  const upTo = 1 - belief.survival(outcome.tokens);
  return Math.max(0, Math.min(1, below + share * (upTo - below)));
}

function newTrackers(): LevelTracker[] {
  return Array.from({ length: stageCount }, () => new LevelTracker());
}
