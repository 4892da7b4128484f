// Chance is an argument: a draw is a pure function of (seed, position, stream), so a recomputed,
// moved or replayed request draws the same numbers. The mixer is splitmix64's finaliser
// (Steele, Lea, Flood 2014) on two 32-bit halves, without BigInt.

/** A uniform number in [0, 1), the same for the same arguments on every machine. */
export function uniformAt(seed: number, position: number, stream = 0): number {
  let high = (seed ^ Math.imul(stream + 1, 0x9e3779b9)) >>> 0;
  let low = (position ^ Math.imul(seed, 0x85ebca6b)) >>> 0;
  for (let round = 0; round < 4; round++) {
    low = mix32((low + 0x9e3779b9 + round) ^ high);
    high = mix32((high + 0x7f4a7c15) ^ low);
  }
  return ((high >>> 6) * 0x8000000 + (low >>> 5)) / 0x20000000000000;
}

function mix32(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/** A sequence of draws, for generators and tests. */
export class Random {
  readonly #seed: number;
  #position = 0;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
  }

  /** Uniform in [0, 1). */
  next(): number {
    return uniformAt(this.#seed, this.#position++);
  }

  /** Uniform integer in [low, high]. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }
}
