// Moves contents of blocks between the engine of this process and whoever carries them to other
// workers (see core's BlockExchange). Copies are made beside the steps: what is read is lent, what is
// written is nobody's until it is whole, so a transfer that breaks off leaves nothing behind.
//
// Contents are taken as they come: that they are what they claim is for the transport to make sure.

import { LociError } from "@loci/core";
import type { BlockExchange, BlockRange, Clock } from "@loci/core";
import type { KvExchange, ReservedBlock } from "./kv/kv-exchange.ts";
import type { BlockContents } from "./tiers/block-contents.ts";

/** Copied at a time, so that a reader that is slow keeps nothing from being given up. */
const readAheadBytes = 4 * 1024 * 1024;
const readAheadBlocksMax = 16;

/** One transfer into the cache. */
interface Import {
  readonly tenant: string;
  isStopped: boolean;
}

export interface LocalExchangeParts {
  readonly contents: BlockContents;
  readonly clock: Clock;
  /** Says that the engine may go on: memory has become free, or the last move has ended. */
  readonly signal: () => void;
}

export class LocalExchange implements BlockExchange {
  readonly #engine: KvExchange;
  readonly #contents: BlockContents;
  readonly #clock: Clock;
  readonly #signal: () => void;
  readonly #imports = new Set<Import>();
  /** Copies under way. */
  readonly #copies = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(engine: KvExchange, parts: LocalExchangeParts) {
    this.#engine = engine;
    this.#contents = parts.contents;
    this.#clock = parts.clock;
    this.#signal = parts.signal;
  }

  get blockBytes(): number {
    return this.#contents.blockBytes;
  }

  async *exportBlocks(
    tenant: string,
    promptTokens: Int32Array,
    { blockStart, blockEnd }: BlockRange,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    checkBlockStart(blockStart);
    const aheadMax = Math.floor(readAheadBytes / this.blockBytes);
    const ahead = Math.max(1, Math.min(readAheadBlocksMax, aheadMax));
    for (let start = blockStart; start < blockEnd && !signal.aborted && !this.#isClosed;) {
      const range = { blockStart: start, blockEnd: Math.min(blockEnd, start + ahead) };
      const read = await this.#read(tenant, promptTokens, range);
      for (const bytes of read) {
        if (signal.aborted) return;
        yield bytes;
      }
      if (read.length < range.blockEnd - start) return;
      start = range.blockEnd;
    }
  }

  /** LociError invalid_request for contents of a wrong size: what came before them stays. */
  async importBlocks(
    tenant: string,
    promptTokens: Int32Array,
    blockStart: number,
    contents: AsyncIterable<Uint8Array>,
  ): Promise<number> {
    checkBlockStart(blockStart);
    const transfer = { tenant, isStopped: false };
    const end = this.#engine.fullBlocks(promptTokens);
    this.#imports.add(transfer);
    try {
      let index = blockStart;
      if (index >= end) return 0;
      for await (const bytes of contents) {
        if (bytes.length !== this.blockBytes) throw sizeError(bytes.length, this.blockBytes);
        this.#engine.setNow(this.#clock.nowMs());
        const reserved = this.#mayGoOn(transfer)
          ? this.#engine.reserve(tenant, promptTokens, index)
          : null;
        if (reserved === null) break;
        if (reserved !== "held" && !(await this.#write(reserved, bytes, transfer))) break;
        index++;
        if (index === end) break;
      }
      return index - blockStart;
    } finally {
      this.#imports.delete(transfer);
    }
  }

  /** What is on its way for a tenant whose cache is erased does not come any more. */
  stopImports(tenant: string): void {
    for (const transfer of this.#imports) {
      if (transfer.tenant === tenant) transfer.isStopped = true;
    }
  }

  /** Nothing more is read or written; resolves when no copy is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    while (this.#copies.size > 0) await Promise.allSettled(this.#copies);
  }

  #mayGoOn({ isStopped }: Import): boolean {
    return !isStopped && !this.#isClosed;
  }

  /** Copies of the blocks that are there, from the first on. */
  async #read(tenant: string, tokens: Int32Array, range: BlockRange): Promise<Uint8Array[]> {
    const host = this.#contents.readsHost;
    const lent = this.#engine.lend(tenant, tokens, { ...range, host });
    if (lent === null) return [];
    const read: Uint8Array[] = [];
    try {
      for (const source of lent.sources) {
        const bytes = this.#isClosed ? null : await this.#track(this.#contents.read(source));
        if (bytes === null) break;
        read.push(bytes);
      }
      return read;
    } finally {
      this.#engine.end(lent.id);
      this.#signal();
    }
  }

  /** False when it was stopped: then nothing is kept. */
  async #write(reserved: ReservedBlock, bytes: Uint8Array, transfer: Import): Promise<boolean> {
    let isWritten = false;
    try {
      await this.#track(this.#contents.write(reserved.block, bytes));
      isWritten = this.#mayGoOn(transfer);
      return isWritten;
    } finally {
      if (isWritten) this.#engine.publish(reserved);
      else this.#engine.end(reserved.id);
      this.#signal();
    }
  }

  async #track<T>(copy: Promise<T>): Promise<T> {
    this.#copies.add(copy);
    try {
      return await copy;
    } finally {
      this.#copies.delete(copy);
    }
  }
}

function checkBlockStart(blockStart: number): void {
  if (Number.isSafeInteger(blockStart) && blockStart >= 0) return;
  throw new LociError("invalid_request", "A block range starts at a whole number.");
}

function sizeError(length: number, blockBytes: number): LociError {
  return new LociError("invalid_request", `A block has ${blockBytes} bytes here; ${length} came.`);
}
