// Blocks of which several copies may be held: others are told when the first copy of a block comes
// and when the last one goes.

import { assert } from "@loci/core";
import type { BlockName, KvEvent } from "@loci/core";

const none = new Float64Array(0);

export class BlockCopies {
  readonly #copies = new Map<BlockName, number>();
  /** Blocks whose copies changed since `takeEvents`, and whether there was one then. */
  readonly #changed = new Map<BlockName, boolean>();

  get size(): number {
    return this.#copies.size;
  }

  has(name: BlockName): boolean {
    return this.#copies.has(name);
  }

  names(): IterableIterator<BlockName> {
    return this.#copies.keys();
  }

  add(names: Float64Array): void {
    for (const name of names) this.#set(name, (this.#copies.get(name) ?? 0) + 1);
  }

  remove(names: Float64Array): void {
    for (const name of names) this.#set(name, (this.#copies.get(name) ?? 0) - 1);
  }

  /**
   * What others are to be told; once. `expected`: they take these for held, told or not, and stop
   * expecting what they are told of.
   */
  takeEvents(expected: Float64Array = none): readonly KvEvent[] {
    for (const name of expected)
      if (!this.#changed.has(name)) this.#changed.set(name, this.has(name));
    const awaited = new Set(expected);
    const stored: BlockName[] = [];
    const removed: BlockName[] = [];
    for (const [name, wasThere] of this.#changed) {
      const isThere = this.has(name);
      const isAwaited = awaited.has(name);
      if (isAwaited || (isThere && !wasThere)) stored.push(name);
      if (!isThere && (isAwaited || wasThere)) removed.push(name);
    }
    this.#changed.clear();
    const events: KvEvent[] = [];
    // In this order: what is awaited in vain is told as stored, and then as gone.
    if (stored.length > 0) events.push({ type: "stored", tier: "device", blocks: stored });
    if (removed.length > 0) events.push({ type: "removed", tier: "device", blocks: removed });
    return events;
  }

  clear(): void {
    this.#copies.clear();
    this.#changed.clear();
  }

  checkIntegrity(): void {
    for (const count of this.#copies.values()) assert(count > 0, "what is held has a copy");
  }

  #set(name: BlockName, count: number): void {
    assert(count >= 0, "only copies that are there can go");
    if (!this.#changed.has(name)) this.#changed.set(name, this.has(name));
    if (count === 0) this.#copies.delete(name);
    else this.#copies.set(name, count);
  }
}
