// How long a step takes, learned while serving: seconds = a + b·tokens + c·attended + d·sequences.
//
// All coefficients are kept non-negative, so more work is never predicted to be faster. The fit is
// an exact non-negative least squares of relative errors over decayed sums. The sums are kept per
// regime (octave of tokens × range of context): hours of pure decoding refresh only their own
// regime and cannot wash out what was learned about long prompts. Weighting by the larger of
// observed and predicted time bounds the pull of any single outlier.
//
// Chunk sizes, waiting times and `Retry-After` are priced by this model; later retention and
// routing are too. Memory is constant: regimes × 15 numbers.

import { assert } from "./assert.ts";

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

const termCount = 4;
const sumsPerRegime = termCount * termCount + termCount;
/** Units in which the four terms are of similar size; keeps the equations well conditioned. */
const termScales: readonly number[] = [1, 64, 65_536, 8];
const tokenOctaves = 16;
const contextRanges = 4;
const regimeCount = tokenOctaves * contextRanges;
/** Loads from which the prior speaks; one per term, so that the equations always have a solution. */
const priorLoads: readonly StepLoad[] = [
  { tokens: 1, attended: 1, sequences: 1 },
  { tokens: 256, attended: 32_896, sequences: 1 },
  { tokens: 1, attended: 8192, sequences: 1 },
  { tokens: 32, attended: 512, sequences: 32 },
];
const priorWeight = 0.02;
const secondsMin = 1e-7;

export interface LatencyModelOptions {
  /** Observations that a regime remembers; smaller adapts faster and is noisier. */
  readonly memorySteps?: number;
  readonly prior?: LatencyCoefficients;
}

/** The load of `tokens` query tokens of one sequence after `contextStart` earlier tokens. */
export function prefillLoad(tokens: number, contextStart: number): StepLoad {
  return { tokens, attended: tokens * contextStart + (tokens * (tokens + 1)) / 2, sequences: 1 };
}

/** Online latency model of one worker. All times in seconds. */
export class LatencyModel {
  readonly #decay: number;
  readonly #prior: LatencyCoefficients;
  /** Per regime: the 4×4 normal matrix (row-major), then the right-hand side. */
  readonly #sums = new Float64Array(regimeCount * sumsPerRegime);
  /** Where the sums of the regimes seen so far start. */
  readonly #activeStarts = new Set<number>();
  readonly #priorSums = new Float64Array(sumsPerRegime);
  #solution: Float64Array;
  #stale = false;
  #observations = 0;

  constructor(options: LatencyModelOptions = {}) {
    const memorySteps = options.memorySteps ?? 64;
    assert(memorySteps >= 2, "memorySteps is at least 2");
    this.#decay = 1 - 1 / memorySteps;
    this.#prior = options.prior ?? priorCoefficients;
    for (const load of priorLoads) {
      const seconds = Math.max(secondsMin, evaluate(scaled(this.#prior), load));
      addRow(this.#priorSums, 0, { load, seconds, weight: priorWeight / seconds ** 2 });
    }
    this.#solution = scaled(this.#prior);
  }

  /** Steps observed since the start. */
  get observations(): number {
    return this.#observations;
  }

  get coefficients(): LatencyCoefficients {
    const solution = this.#solve();
    return {
      secondsPerStep: at(solution, 0) / at(termScales, 0),
      secondsPerToken: at(solution, 1) / at(termScales, 1),
      secondsPerAttended: at(solution, 2) / at(termScales, 2),
      secondsPerSequence: at(solution, 3) / at(termScales, 3),
    };
  }

  /** Learns from one step. A duration that is no positive finite number is ignored. */
  observe(load: StepLoad, seconds: number): void {
    assertLoad(load);
    if (!Number.isFinite(seconds) || seconds <= 0) return;
    const reference = Math.max(seconds, this.predictSeconds(load), secondsMin);
    const start = regimeOf(load) * sumsPerRegime;
    this.#activeStarts.add(start);
    for (let index = start; index < start + sumsPerRegime; index++) {
      this.#sums[index] = at(this.#sums, index) * this.#decay;
    }
    addRow(this.#sums, start, { load, seconds, weight: (1 - this.#decay) / reference ** 2 });
    this.#observations++;
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
    for (const value of this.#sums) assert(Number.isFinite(value), "latency sums are finite");
    for (const value of this.#solve()) {
      assert(Number.isFinite(value) && value >= 0, "latency coefficients are non-negative");
    }
  }

  #solve(): Float64Array {
    if (!this.#stale) return this.#solution;
    const total = Float64Array.from(this.#priorSums);
    for (const start of this.#activeStarts) {
      for (let term = 0; term < sumsPerRegime; term++) {
        total[term] = at(total, term) + at(this.#sums, start + term);
      }
    }
    this.#solution = solveNonNegative(total) ?? this.#solution;
    this.#stale = false;
    return this.#solution;
  }
}

interface Row {
  readonly load: StepLoad;
  readonly seconds: number;
  readonly weight: number;
}

function addRow(sums: Float64Array, start: number, sample: Row): void {
  const terms = termsOf(sample.load);
  for (let i = 0; i < termCount; i++) {
    for (let j = 0; j < termCount; j++) {
      const index = start + i * termCount + j;
      sums[index] = at(sums, index) + sample.weight * at(terms, i) * at(terms, j);
    }
    const index = start + termCount * termCount + i;
    sums[index] = at(sums, index) + sample.weight * at(terms, i) * sample.seconds;
  }
}

function termsOf(load: StepLoad): readonly number[] {
  return [
    1,
    load.tokens / at(termScales, 1),
    load.attended / at(termScales, 2),
    load.sequences / at(termScales, 3),
  ];
}

function scaled(coefficients: LatencyCoefficients): Float64Array {
  return Float64Array.of(
    coefficients.secondsPerStep * at(termScales, 0),
    coefficients.secondsPerToken * at(termScales, 1),
    coefficients.secondsPerAttended * at(termScales, 2),
    coefficients.secondsPerSequence * at(termScales, 3),
  );
}

function evaluate(solution: Float64Array, load: StepLoad): number {
  return (
    at(solution, 0) +
    (at(solution, 1) * load.tokens) / at(termScales, 1) +
    (at(solution, 2) * load.attended) / at(termScales, 2) +
    (at(solution, 3) * load.sequences) / at(termScales, 3)
  );
}

function regimeOf(load: StepLoad): number {
  const octave = Math.min(tokenOctaves - 1, Math.floor(Math.log2(Math.max(1, load.tokens))));
  const context = load.attended / Math.max(1, load.tokens);
  const range = context < 512 ? 0 : context < 4096 ? 1 : context < 32_768 ? 2 : 3;
  return octave * contextRanges + range;
}

/**
 * Exact non-negative least squares of four unknowns: the optimum is the unconstrained optimum on
 * its own support, so the best feasible one of the 15 supports is it. Null if none is solvable.
 */
function solveNonNegative(sums: Float64Array): Float64Array | null {
  const whole = (1 << termCount) - 1;
  let best = solveSupport(sums, whole);
  if (best !== null) return best;
  let bestGain = -Infinity;
  for (let support = 1; support < whole; support++) {
    const candidate = solveSupport(sums, support);
    if (candidate === null) continue;
    // At such a point the squared error has fallen by right-hand side · solution.
    let gain = 0;
    for (let i = 0; i < termCount; i++) {
      gain += at(sums, termCount * termCount + i) * at(candidate, i);
    }
    if (gain > bestGain) [best, bestGain] = [candidate, gain];
  }
  return best;
}

/** Solves the normal equations on the terms in `support`; null when singular or not feasible. */
function solveSupport(sums: Float64Array, support: number): Float64Array | null {
  const system = new Float64Array(sums);
  const rightStart = termCount * termCount;
  for (let i = 0; i < termCount; i++) {
    if (support & (1 << i)) continue;
    // A term that is left out: its own equation says that it is 0.
    for (let j = 0; j < termCount; j++) {
      system[i * termCount + j] = 0;
      system[j * termCount + i] = 0;
    }
    system[i * termCount + i] = 1;
    system[rightStart + i] = 0;
  }
  if (!eliminate(system)) return null;
  const solution = system.subarray(rightStart);
  for (let i = 0; i < termCount; i++) {
    const value = at(solution, i);
    if (!(value >= 0) || value === Infinity) return null;
  }
  return solution;
}

/** Gauss-Jordan elimination of a positive definite system in place; false when it is singular. */
function eliminate(system: Float64Array): boolean {
  const rightStart = termCount * termCount;
  for (let i = 0; i < termCount; i++) {
    const pivot = at(system, i * termCount + i);
    if (!(pivot > 1e-12)) return false;
    for (let k = 0; k < termCount; k++) {
      if (k === i) continue;
      const factor = at(system, k * termCount + i) / pivot;
      if (factor === 0) continue;
      for (let j = i; j < termCount; j++) {
        const index = k * termCount + j;
        system[index] = at(system, index) - factor * at(system, i * termCount + j);
      }
      system[rightStart + k] = at(system, rightStart + k) - factor * at(system, rightStart + i);
    }
  }
  for (let i = 0; i < termCount; i++) {
    const index = rightStart + i;
    system[index] = at(system, index) / at(system, i * termCount + i);
  }
  return true;
}

function at(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  assert(value !== undefined, "index is in range");
  return value;
}

function assertLoad(load: StepLoad): void {
  assert(
    load.tokens >= 0 && load.attended >= 0 && load.sequences >= 0,
    "a load has no negative or NaN part",
  );
}
