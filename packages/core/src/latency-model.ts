// How long a step takes, learned while serving: seconds = a + b·tokens + c·attended + d·sequences.
//
// All coefficients are kept non-negative, so more work is never predicted to be faster. The fit is
// an exact non-negative least squares of relative errors over decayed sums. The sums are kept per
// regime (octave of tokens × range of context): hours of pure decoding refresh only their own
// regime and cannot wash out what was learned about long prompts. A step that took far longer than
// predicted (the machine stalled) is believed only in part; if it goes on like that, it soon counts.
//
// Chunk sizes, waiting times and `Retry-After` are priced by this model; later retention and
// routing are too. Memory is constant: 64 regimes × 24 numbers.

import { assert, defined } from "./assert.ts";
import { addObservation, fitSums, fitTerms, solveNonNegative } from "./non-negative-fit.ts";

/** What a step, or a part of one, asks of the device. */
export interface StepLoad {
  /** Query tokens. */
  readonly tokens: number;
  /** Sum over the query tokens of the context tokens that each attends to (itself included). */
  readonly attended: number;
  /** Slices, i.e. sequences that take part. */
  readonly sequences: number;
}

export interface LatencyCoefficients {
  readonly secondsPerStep: number;
  readonly secondsPerToken: number;
  readonly secondsPerAttended: number;
  readonly secondsPerSequence: number;
}

/**
 * Believed before any step was seen: a small model on a few CPU cores. It weighs as much as a
 * fraction of one step, so a few observations replace it.
 */
const priorCoefficients: LatencyCoefficients = {
  secondsPerStep: 0.01,
  secondsPerToken: 0.001,
  secondsPerAttended: 2e-8,
  secondsPerSequence: 1e-5,
};

/** Units in which the four terms are of similar size; keeps the equations well conditioned. */
const termScales: readonly number[] = [1, 64, 65_536, 8];
const tokenOctaves = 16;
const contextRanges = 4;
/** Loads from which the prior speaks; one per term, so that the equations always have a solution. */
const priorLoads: readonly StepLoad[] = [
  { tokens: 1, attended: 1, sequences: 1 },
  { tokens: 256, attended: 32_896, sequences: 1 },
  { tokens: 1, attended: 8192, sequences: 1 },
  { tokens: 32, attended: 512, sequences: 32 },
];
const priorWeight = 0.002;
/** A step counts as at most so many times what was predicted. */
const surpriseMax = 3;
/** Durations are believed within these bounds. */
const secondsMin = 1e-7;
const secondsMax = 3600;
/** After so many steps without news, a regime weighs half; it never loses all its weight. */
const staleSteps = 256;
const staleWeightMin = 0.05;

/** Once much is known, the equations are solved anew after so many steps: one more changes little. */
const solveEverySteps = 4;

export interface LatencyModelOptions {
  /** Observations that a regime remembers; smaller adapts faster and is noisier. */
  readonly memorySteps?: number;
  readonly prior?: LatencyCoefficients;
}

/** The load of `tokens` query tokens of one sequence after `contextStart` earlier tokens. */
export function prefillLoad(tokens: number, contextStart: number): StepLoad {
  return { tokens, attended: tokens * contextStart + (tokens * (tokens + 1)) / 2, sequences: 1 };
}

/** What is known from one kind of step. */
interface Regime {
  /** Decayed sums of its observations, each with weight 1. */
  readonly sums: Float64Array;
  /** Decayed number of observations and sum of their seconds. */
  weight: number;
  seconds: number;
  /** `observations` of the model when it was last seen. */
  seenAt: number;
}

/** Online latency model of one worker. All times in seconds. */
export class LatencyModel {
  readonly #decay: number;
  readonly #regimes = new Map<number, Regime>();
  readonly #priorSums = new Float64Array(fitSums);
  #solution: Float64Array;
  #stale = false;
  #observations = 0;
  /** `observations` of the last solution. */
  #solvedAt = 0;

  constructor(options: LatencyModelOptions = {}) {
    const memorySteps = options.memorySteps ?? 32;
    assert(memorySteps >= 2, "memorySteps is at least 2");
    this.#decay = 1 - 1 / memorySteps;
    this.#solution = scaled(options.prior ?? priorCoefficients);
    for (const load of priorLoads) {
      const seconds = Math.max(secondsMin, evaluate(this.#solution, load));
      addObservation(this.#priorSums, termsOf(load), seconds, priorWeight / seconds ** 2);
    }
  }

  /** Steps observed since the start. */
  get observations(): number {
    return this.#observations;
  }

  get coefficients(): LatencyCoefficients {
    const [perStep, perToken, perAttended, perSequence] = this.#solve();
    return {
      secondsPerStep: defined(perStep) / defined(termScales[0]),
      secondsPerToken: defined(perToken) / defined(termScales[1]),
      secondsPerAttended: defined(perAttended) / defined(termScales[2]),
      secondsPerSequence: defined(perSequence) / defined(termScales[3]),
    };
  }

  /** Learns from one step. A duration that is no positive finite number is ignored. */
  observe(load: StepLoad, seconds: number): void {
    assertLoad(load);
    if (!Number.isFinite(seconds) || seconds <= 0) return;
    const expected = this.predictSeconds(load);
    const highest = Math.min(secondsMax, Math.max(secondsMin, surpriseMax * expected));
    const believed = Math.min(highest, Math.max(secondsMin, seconds));
    const regime = this.#regimeOf(load);
    const kept = this.#decay * this.#trust(regime);
    for (let index = 0; index < fitSums; index++) {
      regime.sums[index] = defined(regime.sums[index]) * kept;
    }
    addObservation(regime.sums, termsOf(load), believed, 1);
    regime.weight = regime.weight * kept + 1;
    regime.seconds = regime.seconds * kept + believed;
    this.#observations++;
    regime.seenAt = this.#observations;
    this.#stale = true;
  }

  /** Seconds of a step with this load; never negative, never decreasing in any part of the load. */
  predictSeconds(load: StepLoad): number {
    assertLoad(load);
    return evaluate(this.#solve(), load);
  }

  /** Seconds of a step that computes `tokens` tokens of one prompt after `contextStart` others. */
  prefillSeconds(tokens: number, contextStart: number): number {
    return this.predictSeconds(prefillLoad(tokens, contextStart));
  }

  /**
   * Most tokens of one prompt, after `contextStart` others, that fit with `load` (the decoding
   * sequences) into a step of `seconds`. 0 when the load alone takes longer; Infinity when the
   * model sees no cost in tokens.
   */
  prefillTokensWithin(seconds: number, contextStart: number, load: StepLoad): number {
    assert(contextStart >= 0, "contextStart is not negative");
    const withSequence = { ...load, sequences: load.sequences + 1 };
    const rest = seconds - this.predictSeconds(withSequence);
    if (!(rest > 0)) return 0;
    const { secondsPerToken, secondsPerAttended } = this.coefficients;
    // rest = linear·n + quadratic·n², as the n-th token attends to contextStart + n tokens.
    const linear = secondsPerToken + secondsPerAttended * (contextStart + 0.5);
    const quadratic = secondsPerAttended / 2;
    const root = Math.sqrt(linear * linear + 4 * quadratic * rest);
    // The stable form: no difference of nearly equal numbers, and valid for quadratic = 0.
    return Math.floor((2 * rest) / (linear + root));
  }

  checkIntegrity(): void {
    assert(this.#regimes.size <= tokenOctaves * contextRanges, "the regimes are bounded");
    for (const { sums, weight, seconds } of this.#regimes.values()) {
      assert(weight > 0 && seconds > 0 && Number.isFinite(seconds), "a regime has observations");
      assert(
        sums.every((sum) => Number.isFinite(sum)),
        "latency sums are finite",
      );
    }
    for (const value of this.#solve()) {
      assert(Number.isFinite(value) && value >= 0, "latency coefficients are non-negative");
    }
  }

  #regimeOf(load: StepLoad): Regime {
    const octave = Math.min(tokenOctaves - 1, Math.floor(Math.log2(Math.max(1, load.tokens))));
    const context = load.attended / Math.max(1, load.tokens);
    const range = context < 512 ? 0 : context < 4096 ? 1 : context < 32_768 ? 2 : 3;
    const key = octave * contextRanges + range;
    let regime = this.#regimes.get(key);
    if (regime === undefined) {
      regime = { sums: new Float64Array(fitSums), weight: 0, seconds: 0, seenAt: 0 };
      this.#regimes.set(key, regime);
    }
    return regime;
  }

  /** What old news from a regime still weighs. */
  #trust(regime: Regime): number {
    const age = (this.#observations - regime.seenAt) / staleSteps;
    return Math.max(staleWeightMin, 1 / (1 + age));
  }

  #solve(): Float64Array {
    const isFresh =
      this.#observations - this.#solvedAt < Math.min(solveEverySteps, this.#solvedAt / 64);
    if (!this.#stale || isFresh) return this.#solution;
    const total = Float64Array.from(this.#priorSums);
    for (const regime of this.#regimes.values()) {
      // Relative errors: each regime is measured by its own mean duration.
      const factor = this.#trust(regime) / (regime.seconds / regime.weight) ** 2;
      for (let index = 0; index < fitSums; index++) {
        total[index] = defined(total[index]) + factor * defined(regime.sums[index]);
      }
    }
    this.#solution = solveNonNegative(total, this.#solution) ?? this.#solution;
    this.#solvedAt = this.#observations;
    this.#stale = false;
    return this.#solution;
  }
}

function termsOf(load: StepLoad): readonly number[] {
  const terms = [1, load.tokens, load.attended, load.sequences];
  return terms.map((term, index) => term / defined(termScales[index]));
}

function scaled(coefficients: LatencyCoefficients): Float64Array {
  const { secondsPerStep, secondsPerToken, secondsPerAttended, secondsPerSequence } = coefficients;
  const values = [secondsPerStep, secondsPerToken, secondsPerAttended, secondsPerSequence];
  return Float64Array.from(values, (value, index) => value * defined(termScales[index]));
}

function evaluate(solution: Float64Array, load: StepLoad): number {
  const terms = termsOf(load);
  let seconds = 0;
  for (let i = 0; i < fitTerms; i++) seconds += defined(solution[i]) * defined(terms[i]);
  return seconds;
}

function assertLoad(load: StepLoad): void {
  assert(
    load.tokens >= 0 && load.attended >= 0 && load.sequences >= 0,
    "a load has no negative or NaN part",
  );
}
