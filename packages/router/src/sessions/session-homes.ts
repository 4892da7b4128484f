// Where each conversation was served last; bounded, the longest unused go.

import { assert } from "@loci/core";
import { OldestKeys } from "../oldest-keys.ts";
import type { RouteRequest } from "../placement.ts";

export class SessionHomes {
  readonly #sessionsMax: number;
  /** In order of last use. */
  readonly #homes = new Map<string, string>();
  readonly #oldest = new OldestKeys(this.#homes);

  constructor(sessionsMax: number) {
    this.#sessionsMax = sessionsMax;
  }

  get size(): number {
    return this.#homes.size;
  }

  /** Id of the worker; null for unknown conversations and requests of none. */
  homeOf(request: RouteRequest): string | null {
    const key = keyOf(request);
    return key === null ? null : (this.#homes.get(key) ?? null);
  }

  served(request: RouteRequest, workerId: string): void {
    const key = keyOf(request);
    if (key === null) return;
    this.#homes.delete(key);
    this.#homes.set(key, workerId);
    if (this.#homes.size > this.#sessionsMax) this.#homes.delete(this.#oldest.take());
  }

  checkIntegrity(): void {
    assert(this.#homes.size <= this.#sessionsMax, "remembered conversations are bounded");
  }
}

/** Within its tenant; the length keeps two pairs of strings apart. */
function keyOf({ tenant, sessionKey }: RouteRequest): string | null {
  return sessionKey === undefined ? null : `${tenant.length}:${tenant}${sessionKey}`;
}
