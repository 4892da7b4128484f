// What workers that are away have yet to erase, where nothing outlives the router's process: see
// ErasureLog.

import { assert } from "@loci/core";
import type {
  AddedErasure,
  DeletedTokens,
  ErasingWorker,
  ErasureLog,
  OwedErasure,
} from "@loci/core";

const workersMax = 1024;
const erasuresMax = 4096;
const erasuresOfTenantMax = 64;
const tokensMax = 4 * 1024 * 1024;

export class MemoryErasures implements ErasureLog {
  /** Numbers of the last erasures that they have done; who was met last is the last. */
  readonly #done = new Map<string, number>();
  /** In order of their numbers. */
  #erasures: OwedErasure[] = [];
  #last = 0;

  meet(workerIds: readonly string[]): Promise<readonly string[]> {
    for (const id of workerIds) {
      const done = this.#done.get(id) ?? this.#last;
      this.#done.delete(id);
      this.#done.set(id, done);
    }
    const lost: string[] = [];
    for (const id of this.#done.keys()) {
      if (this.#done.size <= workersMax) break;
      if (this.#owesSome(id)) lost.push(id);
      this.#done.delete(id);
    }
    this.#trim();
    return Promise.resolve(lost);
  }

  add(tenant: string, deleted: DeletedTokens | null): Promise<AddedErasure> {
    const number = ++this.#last;
    if (this.#done.size === 0) return Promise.resolve({ number, givenUp: 0 });
    this.#joinEarlier(tenant, deleted === null);
    this.#erasures.push({ number, tenant, deleted });
    this.#boundTokens();
    const givenUp = Math.max(0, this.#erasures.length - erasuresMax);
    this.#erasures.splice(0, givenUp);
    return Promise.resolve({ number, givenUp });
  }

  owed(workerId: string): Promise<readonly OwedErasure[]> {
    const done = this.#done.get(workerId) ?? this.#last;
    return Promise.resolve(this.#erasures.filter(({ number }) => number > done));
  }

  done(workerId: string, through: number): Promise<void> {
    const done = this.#done.get(workerId);
    if (done !== undefined) this.#done.set(workerId, Math.max(done, through));
    this.#trim();
    return Promise.resolve();
  }

  workers(): Promise<readonly ErasingWorker[]> {
    const ids = [...this.#done.keys()];
    return Promise.resolve(ids.map((id) => ({ id, owesSome: this.#owesSome(id) })));
  }

  checkIntegrity(): void {
    assert(this.#done.size <= workersMax, "workers that are waited for are bounded");
    assert(this.#erasures.length <= erasuresMax, "erasures are bounded");
    assert(tokensIn(this.#erasures) <= tokensMax, "tokens are bounded");
    const leastDone = Math.min(...this.#done.values());
    for (const [index, { number }] of this.#erasures.entries()) {
      assert(number > leastDone && number <= this.#last, "somebody owes it");
      assert(index === 0 || number > (this.#erasures[index - 1]?.number ?? 0), "they are in order");
    }
  }

  #owesSome(workerId: string): boolean {
    return (this.#erasures.at(-1)?.number ?? 0) > (this.#done.get(workerId) ?? this.#last);
  }

  #trim(): void {
    const leastDone = Math.min(...this.#done.values());
    this.#erasures = this.#erasures.filter(({ number }) => number > leastDone);
  }

  /** Many of one tenant become one of all the tenant's, in the place of their last. */
  #joinEarlier(tenant: string, isAll: boolean): void {
    const earlier = this.#erasures.filter((erasure) => erasure.tenant === tenant);
    const last = earlier.at(-1);
    if (last === undefined || (!isAll && earlier.length < erasuresOfTenantMax)) return;
    this.#erasures = this.#erasures.flatMap((erasure) => {
      if (erasure.tenant !== tenant) return [erasure];
      return isAll || erasure !== last ? [] : [{ ...erasure, deleted: null }];
    });
  }

  /** The oldest become erasures of all the tenant's until the tokens of the others fit. */
  #boundTokens(): void {
    let excess = tokensIn(this.#erasures) - tokensMax;
    for (const [index, erasure] of this.#erasures.entries()) {
      if (excess <= 0) return;
      excess -= erasure.deleted?.tokens.length ?? 0;
      this.#erasures[index] = { ...erasure, deleted: null };
    }
  }
}

function tokensIn(erasures: readonly OwedErasure[]): number {
  return erasures.reduce((tokens, { deleted }) => tokens + (deleted?.tokens.length ?? 0), 0);
}
