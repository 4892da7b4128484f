// Requests that wait in the router until a worker has room for them, and who is told when it has.

import { assert } from "@loci/core";
import type { Clock, LociError } from "@loci/core";
import type { Placement, Released } from "@loci/router";
import { pause } from "./pause.ts";
import type { HoldingPort, RequestsPort } from "./router-port.ts";

/** Where nothing is heard of any request, the router is asked so often. */
const lookEveryMs = 50;

interface Turn {
  released: Released | null;
  readonly come: AbortController;
}

export class Turns {
  readonly #router: HoldingPort & Pick<RequestsPort, "finished">;
  readonly #clock: Clock;
  /** The router bounds them. */
  readonly #waiting = new Map<string, Turn>();
  #closedBy: LociError | null = null;

  constructor(router: HoldingPort & Pick<RequestsPort, "finished">, clock: Clock) {
    this.#router = router;
    this.#clock = clock;
  }

  /** Where the request goes that the router holds; null when its client left first. */
  async wait(requestId: string, signal: AbortSignal): Promise<Placement | null> {
    const turn: Turn = { released: null, come: new AbortController() };
    this.#waiting.set(requestId, turn);
    const woken = AbortSignal.any([signal, turn.come.signal]);
    try {
      for (;;) {
        await pause(this.#clock, lookEveryMs, woken);
        if (this.#closedBy !== null) break;
        this.look();
        const { released } = turn;
        if (released !== null) {
          if ("error" in released) throw released.error;
          return released.placement;
        }
        if (signal.aborted) break;
      }
    } finally {
      this.#waiting.delete(requestId);
    }
    const report = { completionTokens: null, cachedTokens: null, endedByItself: false };
    this.#router.finished(requestId, report, this.#clock.nowMs());
    if (this.#closedBy !== null) throw this.#closedBy;
    return null;
  }

  /** Something was heard of some request: another's turn may have come. */
  look(): void {
    if (this.#waiting.size === 0) return;
    for (const released of this.#router.takeReleased(this.#clock.nowMs())) {
      const turn = this.#waiting.get(released.requestId);
      assert(turn !== undefined, "who is held is waited for");
      turn.released = released;
      turn.come.abort();
    }
  }

  /** Whoever waits fails with this error. */
  close(error: LociError): void {
    this.#closedBy = error;
    for (const { come } of this.#waiting.values()) come.abort();
  }
}
