// What an operator asks of the cache, asked of all workers. Erasing is a promise: a worker that does
// not answer is told again when it is back.

import { LociError } from "@loci/core";
import type { CachedChain, CacheMatch, CachedTokensByTier, DeletedTokens } from "@loci/core";
import { PendingErasures } from "./pending-erasures.ts";
import type { KnownWorker, WorkerTable } from "./worker-table.ts";

export class CacheCalls {
  readonly #table: WorkerTable;
  readonly #pending: PendingErasures;
  readonly #onError: (error: unknown) => void;

  constructor(table: WorkerTable, onError: (error: unknown) => void) {
    this.#table = table;
    this.#onError = onError;
    this.#pending = new PendingErasures(onError);
    table.listen({
      onCome: (worker) => void this.#eraseWhatWaited(worker),
      onGo: ({ facts }) => this.#pending.await(facts.id),
    });
  }

  async cachedChains(tenant: string, limit: number): Promise<readonly CachedChain[]> {
    const answers = await this.#askAll(({ link }) => link.cachedChains(tenant, limit));
    const chains = new Map<string, CachedChain>();
    for (const chain of answers.flat()) {
      const { buffer, byteOffset, byteLength } = chain.tokens;
      const name = Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
      const known = chains.get(name);
      if (known === undefined || heldTokens(chain.byTier) > heldTokens(known.byTier)) {
        chains.set(name, chain);
      }
    }
    return [...chains.values()].toSorted((a, b) => a.idleMs - b.idleMs).slice(0, limit);
  }

  async matchPrompt(tenant: string, promptTokens: Int32Array): Promise<CacheMatch> {
    const answers = await this.#askAll(({ link }) => link.matchPrompt(tenant, promptTokens));
    const [first, ...others] = answers;
    if (first === undefined) throw nobodyAnswers();
    return others.reduce((best, match) => (isBetter(match, best) ? match : best), first);
  }

  async forgetCached(tenant: string, tokens: Int32Array | null): Promise<number> {
    const answers = await this.#askAll(({ link }) => link.forgetCached(tenant, tokens));
    return answers.reduce((total, blocks) => total + blocks, 0);
  }

  async eraseCached(tenant: string, deleted: DeletedTokens | null): Promise<void> {
    this.#pending.addForAwaited(tenant, deleted);
    const workers = [...this.#table.all()];
    await Promise.all(workers.map((worker) => this.#erase(worker, tenant, deleted)));
  }

  checkIntegrity(): void {
    this.#pending.checkIntegrity();
  }

  async #erase(
    { facts, link }: KnownWorker,
    tenant: string,
    deleted: DeletedTokens | null,
  ): Promise<void> {
    try {
      await link.eraseCached(tenant, deleted);
    } catch (error) {
      if (isUnsupported(error)) return;
      this.#onError(error);
      this.#pending.add(facts.id, tenant, deleted);
    }
  }

  /** A failure puts them back. */
  async #eraseWhatWaited(worker: KnownWorker): Promise<void> {
    const waited = this.#pending.take(worker.facts.id);
    await Promise.all(waited.map(({ tenant, deleted }) => this.#erase(worker, tenant, deleted)));
  }

  /** Answers of those who answer. Throws when there are workers and none does. */
  async #askAll<T>(ask: (worker: KnownWorker) => Promise<T>): Promise<readonly T[]> {
    const workers = [...this.#table.all()];
    const results = await Promise.allSettled(workers.map(ask));
    const answers: T[] = [];
    let failure: unknown = null;
    for (const result of results) {
      if (result.status === "fulfilled") answers.push(result.value);
      else failure = result.reason;
    }
    if (answers.length === 0 && failure !== null) throw failure;
    return answers;
  }
}

function isBetter(match: CacheMatch, than: CacheMatch): boolean {
  const [held, heldThan] = [heldTokens(match.byTier), heldTokens(than.byTier)];
  return held > heldThan || (held === heldThan && match.knownTokens > than.knownTokens);
}

function heldTokens({ device, host, disk }: CachedTokensByTier): number {
  return device + host + disk;
}

function isUnsupported(error: unknown): boolean {
  return error instanceof LociError && error.code === "not_supported";
}

function nobodyAnswers(): LociError {
  return new LociError("unavailable", "No worker is there to answer.", { retryAfterSeconds: 5 });
}
