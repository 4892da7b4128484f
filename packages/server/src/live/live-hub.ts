// One look a second for all who look on, and none while nobody does. A look is written out once for
// each tenant; whoever reads slowly misses looks, never delays them.

import { assert, LociError, type Clock } from "@loci/core";

/** A look as text for a tenant. */
export type FrameOf = (tenant: string) => string;

export interface LiveHubOptions {
  /** Takes a look; does not throw. */
  readonly look: () => Promise<FrameOf>;
  /** Called when nobody looks on any more. */
  readonly onIdle: () => void;
  readonly clock: Clock;
}

export const viewersMax = 32;
const lookEveryMs = 1000;

interface Look {
  readonly number: number;
  readonly takenMs: number;
  readonly frameOf: FrameOf;
}

export class LiveHub {
  readonly #options: LiveHubOptions;
  #viewers = 0;
  #looks = 0;
  #last: Look | null = null;
  #isLooking = false;
  #cancelTimer: (() => void) | null = null;
  #waiting: (() => void)[] = [];
  #isClosed = false;

  constructor(options: LiveHubOptions) {
    this.#options = options;
  }

  get viewers(): number {
    return this.#viewers;
  }

  /**
   * Frames for a tenant, the first at once. Its first `next` throws queue_full when too many look on.
   * Leave the loop, or abort, to stop looking.
   */
  async *watch(tenant: string, signal: AbortSignal): AsyncGenerator<string> {
    requireRoom(this.#viewers);
    this.#viewers++;
    const wake = (): void => this.#wake();
    signal.addEventListener("abort", wake);
    try {
      let seen = 0;
      if (!this.#isFresh()) this.#look();
      while (!signal.aborted && !this.#isClosed) {
        const last = this.#last;
        if (last === null || last.number <= seen) await this.#change();
        else {
          seen = last.number;
          yield last.frameOf(tenant);
        }
      }
    } finally {
      signal.removeEventListener("abort", wake);
      this.#viewers--;
      if (this.#viewers === 0) this.#stop();
    }
  }

  /** Ends all streams. */
  close(): void {
    this.#isClosed = true;
    this.#stop();
    this.#wake();
  }

  checkIntegrity(): void {
    assert(this.#viewers >= 0 && this.#viewers <= viewersMax, "viewers are bounded");
    assert(this.#waiting.length <= viewersMax, "only viewers wait");
    const isArmed = this.#cancelTimer !== null;
    assert(!isArmed || this.#viewers > 0, "nobody looks where nobody looks on");
  }

  #isFresh(): boolean {
    const { clock } = this.#options;
    return this.#last !== null && clock.nowMs() - this.#last.takenMs < lookEveryMs;
  }

  #look(): void {
    if (this.#isLooking || this.#isClosed) return;
    this.#isLooking = true;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    void this.#takeLook();
  }

  async #takeLook(): Promise<void> {
    const { look, clock } = this.#options;
    const takenMs = clock.nowMs();
    const frameOf = onceForEach(await look());
    this.#isLooking = false;
    this.#last = { number: ++this.#looks, takenMs, frameOf };
    if (this.#viewers === 0 || this.#isClosed) this.#stop();
    else this.#arm(takenMs);
    this.#wake();
  }

  /** A look that took long is not followed by the next one at once. */
  #arm(takenMs: number): void {
    const { clock } = this.#options;
    const delayMs = Math.max(lookEveryMs / 2, lookEveryMs - (clock.nowMs() - takenMs));
    this.#cancelTimer = clock.after(delayMs, () => this.#look());
  }

  #stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#last = null;
    this.#options.onIdle();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

function requireRoom(viewers: number): void {
  if (viewers < viewersMax) return;
  throw new LociError("queue_full", `${viewersMax} pages look on already.`, {
    remedy: "Close one of them, or read /metrics instead.",
    retryAfterSeconds: 10,
  });
}

/** A tenant's pages are sent the same text. */
function onceForEach(frameOf: FrameOf): FrameOf {
  const frames = new Map<string, string>();
  return (tenant) => {
    const known = frames.get(tenant);
    if (known !== undefined) return known;
    const frame = frameOf(tenant);
    frames.set(tenant, frame);
    return frame;
  };
}
