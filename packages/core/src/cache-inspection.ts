// What an operator may ask of a service's cache: what it knows, why a prompt would hit or miss, and
// to forget. Tenants see and touch nothing but their own.

/** Tokens by where their keys and values lie; each counted once, in the fastest memory that has it. */
export interface CachedTokensByTier {
  readonly device: number;
  readonly host: number;
  readonly disk: number;
  /** Known, but given up in every memory: computed again when they are needed. */
  readonly missing: number;
}

/** One known sequence of tokens, from its beginning to where nothing is known to follow. */
export interface CachedChain {
  readonly tokens: Int32Array;
  readonly byTier: CachedTokensByTier;
  /** Milliseconds since its end was last used. */
  readonly idleMs: number;
}

/** How a prompt would be served now. */
export interface CacheMatch {
  /** Of the prompt's tokens, those that follow a known sequence from the beginning. */
  readonly knownTokens: number;
  readonly byTier: CachedTokensByTier;
  /**
   * What is known to follow the last token that matches, instead of the prompt's next one: the
   * token ids that cached sequences have there, most recently used first, at most 8. Empty when
   * nothing is known to follow.
   */
  readonly knownNext: readonly number[];
}

/** A local engine answers at once, a cluster after asking its workers. */
export type Awaitable<T> = T | Promise<T>;

export interface CacheInspection {
  /** Most recently used first, at most `limit`. */
  cachedChains(tenant: string, limit: number): Awaitable<readonly CachedChain[]>;
  matchPrompt(tenant: string, promptTokens: Int32Array): Awaitable<CacheMatch>;
  /**
   * Gives up, in every memory, the blocks that nobody uses: all of a tenant's, or with `tokens`
   * those that only the sequence beginning with these tokens needs (what other sequences share
   * stays). Durable copies are erased. Returns the number of blocks.
   */
  forgetCached(tenant: string, tokens: Int32Array | null): Awaitable<number>;
}

/** A sequence that was deleted, as far as nothing that is kept has the same tokens. */
export interface DeletedTokens {
  readonly tokens: Int32Array;
  /** So many of the first belong to something that is kept, too; their blocks stay. */
  readonly sharedTokens: number;
}

/** Whoever keeps keys and values of what somebody deletes. */
export interface CacheErasure {
  /**
   * Gives up, in every memory, the blocks that only the deleted tokens and what follows them need;
   * with null all of the tenant's. What a running request uses or a move holds goes as soon as it is
   * let go. Resolves when the blocks are gone and the durable copies of those at rest are
   * overwritten; also when the service has ended. Never rejects.
   */
  eraseCached(tenant: string, deleted: DeletedTokens | null): Promise<void>;
}
