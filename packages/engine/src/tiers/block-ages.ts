// How long blocks live: until the device gives them up, and between their uses. For whoever asks
// whether more memory, or another rule of what goes first, would help.

import { ValueHistogram } from "@loci/core";
import type { KvDeviceCounts } from "@loci/core";

/** Seconds, from a step to a day. */
const secondsBounds = [0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14_400, 86_400];

export class BlockAges {
  readonly #lifetime = new ValueHistogram(secondsBounds);
  readonly #idle = new ValueHistogram(secondsBounds);
  readonly #reuseGap = new ValueHistogram(secondsBounds);

  /** The device gives up a block that was known for so long, and was used last so long ago. */
  dropped(sinceKnownMs: number, sinceUsedMs: number): void {
    if (Number.isFinite(sinceKnownMs)) this.#lifetime.observe(sinceKnownMs / 1000);
    if (Number.isFinite(sinceUsedMs)) this.#idle.observe(sinceUsedMs / 1000);
  }

  /** A block is used again. */
  reused(sinceUsedMs: number): void {
    if (Number.isFinite(sinceUsedMs)) this.#reuseGap.observe(sinceUsedMs / 1000);
  }

  counts(): Pick<KvDeviceCounts, "lifetimeSeconds" | "idleSeconds" | "reuseGapSeconds"> {
    return {
      lifetimeSeconds: this.#lifetime.counts(),
      idleSeconds: this.#idle.counts(),
      reuseGapSeconds: this.#reuseGap.counts(),
    };
  }
}
