// A router's ears without a router: what it hears of workers becomes sets of blocks, and a test can
// wait until they are what they should be.

import { assert } from "@loci/core";
import type { BlockName, KvEventBatch, KvSnapshot, WorkerLoad } from "@loci/core";
import type { DirectoryListener, WorkerAddress, WorkerSink, WorkerVoice } from "@loci/cluster";

interface Heard {
  epoch: string;
  sequence: number;
  readonly held: Set<BlockName>;
  load: WorkerLoad | null;
}

export class TestRouter implements WorkerSink, DirectoryListener {
  readonly urls: Set<string> = new Set();
  readonly workers: Map<string, Heard> = new Map();
  readonly drained: Set<string> = new Set();
  snapshots = 0;
  joins = 0;
  leaves = 0;
  readonly #waiting = new Set<() => void>();

  /** Resolves when it holds, at the latest when something was heard. */
  async until(condition: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  heldBy(workerId: string): readonly BlockName[] {
    return [...(this.workers.get(workerId)?.held ?? [])].toSorted((a, b) => a - b);
  }

  onJoin(address: WorkerAddress): void {
    assert(!this.urls.has(address.url), "nobody joins twice");
    this.urls.add(address.url);
    this.joins += 1;
    this.#changed();
  }

  onLeave(url: string): void {
    assert(this.urls.delete(url), "only who joined leaves");
    this.leaves += 1;
    this.#changed();
  }

  heard(voice: WorkerVoice): void {
    this.#worker(voice);
    this.#changed();
  }

  report(voice: WorkerVoice, load: WorkerLoad): void {
    this.#worker(voice).load = load;
    this.#changed();
  }

  events(voice: WorkerVoice, batch: KvEventBatch): void {
    const worker = this.#worker(voice);
    assert(batch.sequence === worker.sequence + 1, "no batch is missing or repeated");
    worker.sequence = batch.sequence;
    for (const event of batch.events) {
      if (event.type === "cleared") worker.held.clear();
      else if (event.type === "stored") for (const block of event.blocks) worker.held.add(block);
      else for (const block of event.blocks) worker.held.delete(block);
    }
    this.#changed();
  }

  snapshot(voice: WorkerVoice, snapshot: KvSnapshot): void {
    const worker = this.#worker(voice);
    worker.sequence = snapshot.sequence;
    worker.held.clear();
    for (const { blocks } of snapshot.held) for (const block of blocks) worker.held.add(block);
    this.snapshots += 1;
    this.#changed();
  }

  draining(voice: WorkerVoice): void {
    this.drained.add(voice.workerId);
    this.#changed();
  }

  #worker(voice: WorkerVoice): Heard {
    const known = this.workers.get(voice.workerId);
    if (known?.epoch === voice.epoch) return known;
    const fresh: Heard = { epoch: voice.epoch, sequence: 0, held: new Set(), load: null };
    this.workers.set(voice.workerId, fresh);
    return fresh;
  }

  #changed(): void {
    for (const check of this.#waiting) check();
  }
}
