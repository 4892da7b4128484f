// What became of blocks lately, joined over live views: each view carries its workers' last
// happenings, most of which the one before had, too.

import type { Happening, LiveView } from "@loci/core";

export interface LoggedHappening {
  /** Unique in the log. */
  readonly key: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly atMs: number;
  readonly happening: Happening;
}

export const loggedHappeningsMax = 512;
/** Workers whose place in their count is remembered. */
const workersMax = 256;

interface WorkerCount {
  /** Which life of which worker, counted over all: a count that goes back begins a new one. */
  readonly life: number;
  readonly sequence: number;
}

export class HappeningLog {
  #entries: LoggedHappening[] = [];
  readonly #counts = new Map<string, WorkerCount>();
  #lives = 0;

  /** Newest first, at most `loggedHappeningsMax`. A new array whenever something came. */
  get entries(): readonly LoggedHappening[] {
    return this.#entries;
  }

  add({ atMs, view }: LiveView): void {
    if (view === null) return;
    const byWorker = Map.groupBy(view.happenings, ({ worker }) => worker ?? "");
    const fresh = [...byWorker].flatMap(([worker, list]) => this.#fresh(worker, list, atMs));
    if (fresh.length === 0) return;
    fresh.sort((left, right) => right.atMs - left.atMs);
    this.#entries = [...fresh, ...this.#entries].slice(0, loggedHappeningsMax);
  }

  #fresh(worker: string, list: readonly Happening[], atMs: number): readonly LoggedHappening[] {
    const highest = list.reduce((most, { sequence }) => Math.max(most, sequence), -1);
    const before = this.#counts.get(worker);
    const isKnown = before !== undefined && highest >= before.sequence;
    const life = isKnown ? before.life : this.#lives++;
    this.#counts.delete(worker);
    this.#counts.set(worker, { life, sequence: highest });
    this.#boundCounts();
    const seen = isKnown ? before.sequence : -1;
    return list
      .filter(({ sequence }) => sequence > seen)
      .map((happening) => ({
        happening,
        key: `${worker}/${life}/${happening.sequence}`,
        atMs: atMs - happening.agoSeconds * 1000,
      }))
      .toReversed();
  }

  #boundCounts(): void {
    if (this.#counts.size <= workersMax) return;
    for (const oldest of this.#counts.keys()) {
      this.#counts.delete(oldest);
      return;
    }
  }

  /** Throws when the log is not what it says. */
  checkIntegrity(): void {
    if (this.#entries.length > loggedHappeningsMax) throw new Error("the log is bounded");
    if (this.#counts.size > workersMax) throw new Error("remembered workers are bounded");
    const keys = new Set(this.#entries.map(({ key }) => key));
    if (keys.size !== this.#entries.length) throw new Error("a happening is logged once");
  }
}
