// What a block is called outside this process. Keys are made when first needed, from the tenant
// down; a block found after a restart brings its own until its place in the tree is known.

import { assert, defined } from "@loci/core";
import type { CachedBlock, CacheNode } from "../kv/cached-block.ts";
import type { BlockHasher } from "./block-hasher.ts";
import type { BlockIdentity } from "./block-mover.ts";

/** Tenants whose key is remembered. */
const tenantsMax = 10_000;

export class BlockIdentities {
  readonly #hasher: BlockHasher;
  readonly #tenantKeys = new Map<string, string>();

  constructor(hasher: BlockHasher) {
    this.#hasher = hasher;
  }

  tenantKey(tenant: string): string {
    const known = this.#tenantKeys.get(tenant);
    if (known !== undefined) return known;
    const key = this.#hasher.tenantKey(tenant);
    if (this.#tenantKeys.size >= tenantsMax) this.#tenantKeys.clear();
    this.#tenantKeys.set(tenant, key);
    return key;
  }

  /** The key of `tokens` after the block `parentKey`. */
  next(parentKey: string, tokens: Int32Array): string {
    return this.#hasher.blockKey(parentKey, tokens);
  }

  /** The key of a node; of a root, its tenant's. */
  keyOf(node: CacheNode): string {
    const missing: CacheNode[] = [];
    let above = node;
    while (above.parent !== null && defined(above.payload).key === null) {
      missing.push(above);
      above = above.parent;
    }
    let key = above.parent === null ? this.tenantKey(above.salt) : defined(above.payload?.key);
    for (const below of missing.toReversed()) {
      key = this.next(key, below.tokens.subarray(0, below.length));
      defined(below.payload).key = key;
    }
    return key;
  }

  of(copy: CachedBlock): BlockIdentity {
    const { node } = copy;
    if (node === null) return defined(copy.recovered, "a block without a place was recovered");
    assert(node.parent !== null, "a root is no block");
    return {
      key: this.keyOf(node),
      parentKey: this.keyOf(node.parent),
      tenantKey: this.tenantKey(node.salt),
      depth: node.depth - 1,
      tokens: node.tokens.slice(0, node.length),
    };
  }
}
