// When a prefix has become too popular for those who cache it: the mean wait of its requests in the
// second half of the window is at least twice that of the first.

import { assert, type BlockName } from "@loci/core";

/** Prefixes watched; the longest unused go. */
const prefixesMax = 16_384;
/** Too few requests say nothing of a mean. */
const requestsMin = 8;
const growth = 2;

interface Waits {
  half: number;
  count: number;
  seconds: number;
  countBefore: number;
  secondsBefore: number;
}

export class HotPrefixes {
  readonly #halfMs: number;
  /** By the last block of the prefix, in order of last use. */
  readonly #waits = new Map<BlockName, Waits>();

  constructor(windowMs: number) {
    this.#halfMs = windowMs / 2;
  }

  /** A request with the prefix waited so long for its first token. */
  waited(prefix: BlockName, seconds: number, nowMs: number): void {
    const half = Math.floor(nowMs / this.#halfMs);
    const waits = this.#waits.get(prefix) ?? emptyWaits(half);
    this.#waits.delete(prefix);
    this.#waits.set(prefix, waits);
    if (waits.half !== half) {
      const isNext = half - waits.half === 1;
      waits.countBefore = isNext ? waits.count : 0;
      waits.secondsBefore = isNext ? waits.seconds : 0;
      waits.count = 0;
      waits.seconds = 0;
      waits.half = half;
    }
    waits.count++;
    waits.seconds += seconds;
    if (this.#waits.size <= prefixesMax) return;
    for (const oldest of this.#waits.keys()) {
      this.#waits.delete(oldest);
      break;
    }
  }

  /** Whether its waits have doubled; tells once, then watches anew. */
  takeHot(prefix: BlockName): boolean {
    const waits = this.#waits.get(prefix);
    if (waits === undefined) return false;
    const { count, seconds, countBefore, secondsBefore } = waits;
    if (count < requestsMin || countBefore < requestsMin) return false;
    if (seconds / count < growth * (secondsBefore / countBefore)) return false;
    this.#waits.delete(prefix);
    return true;
  }

  checkIntegrity(): void {
    assert(this.#waits.size <= prefixesMax, "watched prefixes are bounded");
  }
}

function emptyWaits(half: number): Waits {
  return { half, count: 0, seconds: 0, countBefore: 0, secondsBefore: 0 };
}
