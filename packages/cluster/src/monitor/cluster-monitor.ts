// Keeps the router's picture of the workers true: connects to whom the directories name, passes on
// what is heard, lets the router's time go by, and does what it asks for.

import { setImmediate as nextTurn } from "node:timers/promises";

import { LociError } from "@loci/core";
import type { Clock, KvEventBatch, KvSnapshot, ServiceSnapshot, WorkerLoad } from "@loci/core";
import type { RouterNews, WorkerHealth } from "@loci/router";
import type { WorkerAddress } from "../address/worker-address.ts";
import type { WorkerDirectory } from "../directory/worker-directory.ts";
import type { WorkerLink } from "../link/worker-link.ts";
import type { WorkerSink, WorkerVoice } from "../link/worker-sink.ts";
import type { MembersPort } from "../service/router-port.ts";
import type { KnownWorker, WorkerTable } from "../service/worker-table.ts";
import { LinkedWorker } from "./linked-worker.ts";

export interface ClusterMonitorParts {
  readonly router: MembersPort;
  readonly table: WorkerTable;
  readonly clock: Clock;
  readonly connect: (address: WorkerAddress) => WorkerLink;
  /** The worker of these requests is given up. */
  readonly onMove: (requestIds: readonly string[]) => void;
  readonly onHealth?: (workerId: string, health: WorkerHealth) => void;
  /** The worker takes nothing new from now on. */
  readonly onDrain: (workerId: string) => void;
  readonly onError: (error: unknown) => void;
  /** Addresses at once; further ones are told to `onError` and left out. Default 1024. */
  readonly addressesMax?: number;
}

const tickMs = 100;

export class ClusterMonitor implements WorkerSink {
  readonly #parts: ClusterMonitorParts;
  readonly #links = new Map<string, LinkedWorker>();
  readonly #endWatching: (() => void)[] = [];
  #cancelTick: () => void;
  #closed = false;
  #isCatchingUp = false;

  constructor(parts: ClusterMonitorParts) {
    this.#parts = parts;
    this.#cancelTick = parts.clock.after(tickMs, () => this.#tick());
  }

  /** Several directories may name the same address. */
  addDirectory(directory: WorkerDirectory): void {
    const named = new Set<string>();
    const end = directory.watch({
      onJoin: (address) => {
        if (named.has(address.url)) return;
        named.add(address.url);
        this.#joined(address);
      },
      onLeave: (url) => {
        if (named.delete(url)) this.#left(url);
      },
    });
    this.#endWatching.push(end);
  }

  /** Addresses that directories named, and those left on which requests still run. */
  get addresses(): readonly string[] {
    return [...this.#links.keys()];
  }

  heard(voice: WorkerVoice): void {
    if (this.#known(voice) !== null) this.#parts.router.heard(voice.workerId, this.#nowMs);
  }

  report(
    voice: WorkerVoice,
    load: WorkerLoad,
    snapshot: ServiceSnapshot | null,
    eventSequence?: number,
  ): void {
    const worker = this.#known(voice);
    if (worker === null) return;
    if (snapshot !== null) worker.snapshot = snapshot;
    this.#parts.router.report(voice.workerId, load, this.#nowMs, eventSequence);
  }

  events(voice: WorkerVoice, batch: KvEventBatch): void {
    if (this.#known(voice) === null) return;
    this.#parts.router.events(voice.workerId, batch, this.#nowMs);
  }

  snapshot(voice: WorkerVoice, snapshot: KvSnapshot): void {
    if (this.#known(voice) === null) return;
    this.#parts.router.snapshot(voice.workerId, snapshot, this.#nowMs);
    void this.#catchUp();
  }

  draining(voice: WorkerVoice): void {
    if (this.#known(voice) !== null) this.#parts.router.drain(voice.workerId, this.#nowMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTick();
    for (const end of this.#endWatching) end();
    const links = [...this.#links.values()];
    this.#links.clear();
    await Promise.all(links.map((linked) => linked.close()));
  }

  get #nowMs(): number {
    return this.#parts.clock.nowMs();
  }

  /** Slice by slice, with everybody else's turns in between. */
  async #catchUp(): Promise<void> {
    if (this.#isCatchingUp) return;
    this.#isCatchingUp = true;
    do await nextTurn();
    while (!this.#closed && this.#parts.router.catchUp());
    this.#isCatchingUp = false;
  }

  /** Null for a worker that is not here, or whose word is from another life. */
  #known({ workerId, epoch }: WorkerVoice): KnownWorker | null {
    const worker = this.#parts.table.get(workerId);
    return worker !== null && worker.facts.epoch === epoch ? worker : null;
  }

  #joined(address: WorkerAddress): void {
    if (this.#closed) return;
    const known = this.#links.get(address.url);
    if (known !== undefined) {
      known.named(1);
      return;
    }
    const { addressesMax = 1024, connect, onError } = this.#parts;
    if (this.#links.size >= addressesMax) {
      onError(new LociError("queue_full", `More than ${addressesMax} workers were announced.`));
      return;
    }
    const link = connect(address);
    const { router, table, clock } = this.#parts;
    this.#links.set(
      address.url,
      new LinkedWorker({ link, router, table, clock, sink: this, onError }),
    );
  }

  #left(url: string): void {
    this.#links.get(url)?.named(-1);
  }

  #tick(): void {
    this.#cancelTick = this.#parts.clock.after(tickMs, () => this.#tick());
    const { router } = this.#parts;
    router.tick(this.#nowMs);
    for (const news of router.takeNews()) this.#act(news);
    for (const [url, linked] of this.#links) {
      if (!linked.isOver) continue;
      this.#links.delete(url);
      void linked.close();
    }
  }

  #drains(workerId: string): void {
    const worker = this.#parts.table.get(workerId);
    if (worker === null || worker.isDraining) return;
    worker.isDraining = true;
    this.#parts.onDrain(workerId);
  }

  #act(news: RouterNews): void {
    if (news.type === "snapshot_wanted") {
      this.#parts.table.get(news.workerId)?.link.requestSnapshot();
      return;
    }
    this.#parts.onHealth?.(news.workerId, news.health);
    if (news.health === "draining" && news.requestIds.length === 0) this.#drains(news.workerId);
    // Dead, or it had its time to finish what it has.
    if (news.requestIds.length > 0) this.#parts.onMove(news.requestIds);
  }
}
