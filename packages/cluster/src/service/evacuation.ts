// A worker that ends need not take its cache with it: while it drains, others fetch the blocks of
// what it was asked lately. The router learns where they are as of any block. Only a saving: what
// does not make it in time is computed again.

import type { FetchOrder } from "../link/worker-link.ts";
import type { RecentPrompt, RecentPrompts } from "./recent-prompts.ts";
import type { KnownWorker, WorkerTable } from "./worker-table.ts";

/** Fetches under way at once, for one worker that ends. */
const fetchesMax = 2;

export class Evacuation {
  readonly #table: WorkerTable;
  readonly #prompts: RecentPrompts;
  #movedBlocks = 0;

  constructor(table: WorkerTable, prompts: RecentPrompts) {
    this.#table = table;
    this.#prompts = prompts;
  }

  /** Blocks that others have because of it, since the start. */
  get movedBlocks(): number {
    return this.#movedBlocks;
  }

  /** Resolves when nothing more can be taken from the worker. */
  async from(workerId: string): Promise<void> {
    const source = this.#table.get(workerId);
    if (source === null || source.facts.fingerprint === "") return;
    const waiting = [...this.#prompts.take(workerId)].toReversed();
    const room = this.#roomBeside(source);
    const work = async (): Promise<void> => {
      for (let prompt = waiting.pop(); prompt !== undefined; prompt = waiting.pop()) {
        const isThere = this.#table.get(workerId) === source;
        if (!isThere || !(await this.#move(source, prompt, room))) return;
      }
    };
    await Promise.all(Array.from({ length: fetchesMax }, work));
  }

  /** Workers that can use its blocks, each with the blocks it has room for. */
  #roomBeside({ facts }: KnownWorker): Map<KnownWorker, number> {
    const room = new Map<KnownWorker, number>();
    for (const worker of this.#table.all()) {
      const isOther = worker.facts.id !== facts.id;
      const fits = worker.facts.fingerprint === facts.fingerprint;
      if (!isOther || !fits || worker.isDraining || worker.link.fetchBlocks === undefined) continue;
      room.set(worker, worker.snapshot?.kvBlocksFree ?? 0);
    }
    return room;
  }

  /** False when nobody has room for anything more. */
  async #move(
    source: KnownWorker,
    { tenant, tokens }: RecentPrompt,
    room: Map<KnownWorker, number>,
  ): Promise<boolean> {
    const blocks = Math.floor(tokens.length / source.facts.blockTokens);
    let target: KnownWorker | null = null;
    for (const [worker, free] of room) {
      if (free >= blocks && free > (target === null ? 0 : (room.get(target) ?? 0))) target = worker;
    }
    if (target === null) return false;
    room.set(target, (room.get(target) ?? 0) - blocks);
    const order: FetchOrder = { url: source.link.url, blockStart: 0, blockEnd: blocks };
    try {
      const moved = (await target.link.fetchBlocks?.(tenant, tokens, order)) ?? 0;
      this.#movedBlocks += moved;
    } catch {
      // It could not be asked: its room is not counted on any more.
      room.delete(target);
    }
    return true;
  }
}
