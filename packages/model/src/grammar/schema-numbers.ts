// Numbers between bounds, exactly: a range of integers is a few patterns of digits, and a number
// with a fraction is an integer part in a range with digits after it.
import { integerDigitsMax } from "./json-rules.ts";
import { refuseSchema } from "./schema-error.ts";

export interface NumberBounds {
  /** Null = none. */
  readonly low: number | null;
  readonly lowExclusive: boolean;
  readonly high: number | null;
  readonly highExclusive: boolean;
}

const magnitudeMax = 10 ** integerDigitsMax - 1;

/** Alternatives for the integers within `bounds`. */
export function integerAlternatives(bounds: NumberBounds, path: string): string {
  const low = bounds.low === null ? -magnitudeMax : lowestInteger(bounds.low, bounds.lowExclusive);
  const high =
    bounds.high === null ? magnitudeMax : -lowestInteger(-bounds.high, bounds.highExclusive);
  const alternatives = [
    ...rangePatterns(Math.max(low, 0), Math.min(high, magnitudeMax)),
    ...rangePatterns(Math.max(-high, 1), Math.min(-low, magnitudeMax)).map((each) => `"-" ${each}`),
  ];
  if (alternatives.length === 0) refuseSchema(path, "no integer lies between its bounds");
  return alternatives.join(" | ");
}

function lowestInteger(low: number, exclusive: boolean): number {
  const lowest = Math.ceil(low);
  return exclusive && lowest === low ? lowest + 1 : lowest;
}

/** A range of magnitudes, of one sign. */
interface MagnitudeRange {
  readonly low: number;
  readonly lowExclusive: boolean;
  readonly high: number;
  readonly highExclusive: boolean;
}

/** Alternatives for the numbers within `bounds`, which must be integers. */
export function numberAlternatives(bounds: NumberBounds, path: string): string {
  for (const bound of [bounds.low, bounds.high]) {
    if (bound !== null && !Number.isInteger(bound)) {
      refuseSchema(path, "a bound of a number with a fraction; use integers as bounds");
    }
  }
  const low = bounds.low ?? -Infinity;
  const high = bounds.high ?? Infinity;
  const positive = magnitudePatterns({
    low: Math.max(low, 0),
    lowExclusive: low >= 0 && bounds.lowExclusive,
    high,
    highExclusive: bounds.highExclusive,
  });
  // Zero is written without a sign, so the negative numbers start beyond it.
  const negative = magnitudePatterns({
    low: Math.max(-high, 0),
    lowExclusive: high >= 0 || bounds.highExclusive,
    high: -low,
    highExclusive: bounds.lowExclusive,
  });
  const alternatives = [...positive, ...negative.map((each) => `"-" ${each}`)];
  if (alternatives.length === 0) refuseSchema(path, "no number lies between its bounds");
  return alternatives.join(" | ");
}

function magnitudePatterns(range: MagnitudeRange): string[] {
  const { low, lowExclusive, high, highExclusive } = range;
  if (low > high || (low === high && (lowExclusive || highExclusive))) return [];
  if (low === high) return [`"${low}" ("." [0]{1,15})?`];
  if (low > magnitudeMax) return [];
  const patterns: string[] = [];
  // Digits that a double tells apart: with more, a number would round onto an excluded bound.
  const lowDigits = integerDigitsMax - String(low).length;
  if (lowExclusive && lowDigits > 0) {
    const zeros = Math.floor(lowDigits / 2);
    patterns.push(`"${low}." [0]{0,${zeros}} [1-9] ${upTo(lowDigits - zeros - 1)}`);
  }
  const first = lowExclusive ? low + 1 : low;
  const last = Math.min(high - 1, magnitudeMax);
  const isOpen = high > magnitudeMax + 1;
  const digits = integerDigitsMax - (isOpen ? 0 : String(last).length);
  const fraction = digits > 0 ? `("." [0-9]{1,${digits}})?` : "";
  for (const part of rangePatterns(first, last)) patterns.push(`${part} ${fraction}`);
  if (high <= magnitudeMax && !highExclusive) patterns.push(`"${high}" ("." [0]{1,15})?`);
  return patterns;
}

function upTo(digits: number): string {
  return digits > 0 ? `[0-9]{0,${digits}}` : "";
}

/** Patterns for the integers from `low` to `high`, both in [0, 10^15), without leading zeros. */
export function rangePatterns(low: number, high: number): string[] {
  const patterns: string[] = [];
  for (let digits = 1; digits <= integerDigitsMax; digits++) {
    const first = Math.max(low, digits === 1 ? 0 : 10 ** (digits - 1));
    const last = Math.min(high, 10 ** digits - 1);
    if (first <= last) patterns.push(...sameLengthPatterns(String(first), String(last)));
  }
  return patterns;
}

function sameLengthPatterns(low: string, high: string): string[] {
  const rest = low.length - 1;
  const lowDigit = Number(low[0]);
  const highDigit = Number(high[0]);
  if (rest === 0) return [digitClass(lowDigit, highDigit)];
  const zeros = "0".repeat(rest);
  const nines = "9".repeat(rest);
  if (low.slice(1) === zeros && high.slice(1) === nines) {
    return [`${digitClass(lowDigit, highDigit)} [0-9]{${rest}}`];
  }
  const after = (digit: number, from: string, to: string): string[] =>
    sameLengthPatterns(from, to).map((pattern) => `"${digit}" ${pattern}`);
  if (lowDigit === highDigit) return after(lowDigit, low.slice(1), high.slice(1));
  const patterns = after(lowDigit, low.slice(1), nines);
  if (lowDigit + 1 <= highDigit - 1) {
    patterns.push(`${digitClass(lowDigit + 1, highDigit - 1)} [0-9]{${rest}}`);
  }
  patterns.push(...after(highDigit, zeros, high.slice(1)));
  return patterns;
}

function digitClass(low: number, high: number): string {
  return low === high ? `"${low}"` : `[${low}-${high}]`;
}
