// Keeps a trunk to a worker that offers one. Nobody waits for it: while there is none, answers come
// over connections of their own, and it is tried again when one is asked for.

import type { Clock } from "@loci/core";
import type { Pool } from "undici";
import { trunkPath, trunkProtocol } from "../wire/trunk-lines.ts";
import { Trunk } from "./trunk.ts";

export interface TrunkKeeperParts {
  readonly pool: Pool;
  readonly headers: Record<string, string>;
  readonly clock: Clock;
  readonly silenceMsMax: number;
}

/** After an attempt, however it ended, the next one waits so long. */
const retryMsMin = 1000;

export class TrunkKeeper {
  readonly #parts: TrunkKeeperParts;
  readonly #abort = new AbortController();
  #trunk: Trunk | null = null;
  #isOffered = false;
  #isOpening = false;
  #triedAtMs = -Infinity;

  constructor(parts: TrunkKeeperParts) {
    this.#parts = parts;
  }

  /** The worker, which was just reached, says whether it has trunks. */
  offered(isOffered: boolean): void {
    this.#isOffered = isOffered;
    this.#triedAtMs = -Infinity;
    this.#keep();
  }

  /** Null: there is none at the moment. */
  get trunk(): Trunk | null {
    this.#keep();
    return this.#trunk;
  }

  close(): void {
    this.#abort.abort();
    this.#trunk?.close();
  }

  #keep(): void {
    if (this.#trunk?.isOpen === true) return;
    this.#trunk = null;
    const { clock } = this.#parts;
    const isDue = clock.nowMs() - this.#triedAtMs >= retryMsMin;
    if (!this.#isOffered || this.#isOpening || !isDue || this.#abort.signal.aborted) return;
    this.#triedAtMs = clock.nowMs();
    void this.#open();
  }

  async #open(): Promise<void> {
    const { pool, headers } = this.#parts;
    const { signal } = this.#abort;
    this.#isOpening = true;
    try {
      const asked = { path: trunkPath, protocol: trunkProtocol, headers, signal };
      const { socket } = await pool.upgrade(asked);
      if (signal.aborted) socket.destroy();
      else this.#trunk = new Trunk(socket, this.#parts);
    } catch {
      // It cannot be had now; answers come as they did before.
    } finally {
      this.#isOpening = false;
    }
  }
}
