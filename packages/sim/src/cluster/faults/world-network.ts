// The network of a random world. Datagrams are lost, repeated and overtake each other; streams keep
// their order and lose nothing, but wait for as long as their link is cut.

import { defined } from "@loci/core";
import type { Random } from "@loci/core";
import type { TimeQueue } from "../../run/time-queue.ts";
import type { Deed, WorldProcess } from "./world-process.ts";

export interface NetworkFaults {
  /** Chances of a datagram. */
  readonly drop: number;
  readonly duplicate: number;
  /** Longest extra time of a datagram, in milliseconds. */
  readonly jitterMs: number;
}

export interface NetworkParts {
  readonly queue: TimeQueue<Deed>;
  readonly random: Random;
  readonly delayMs: number;
  readonly faults: NetworkFaults;
  readonly now: () => number;
}

/** One direction between two processes. */
interface Link {
  isCut: boolean;
  /** When the last message of the stream arrives. */
  lastMs: number;
  /** Messages that have arrived at the cut. */
  readonly held: Deed[];
}

export class WorldNetwork {
  readonly #parts: NetworkParts;
  readonly #links = new Map<string, Link>();
  #isCalm = false;

  constructor(parts: NetworkParts) {
    this.#parts = parts;
  }

  /** Nothing gets through between the two, in either direction. */
  cut(one: WorldProcess, other: WorldProcess): void {
    this.#link(one, other).isCut = true;
    this.#link(other, one).isCut = true;
  }

  heal(one: WorldProcess, other: WorldProcess): void {
    for (const link of [this.#link(one, other), this.#link(other, one)]) {
      link.isCut = false;
      this.#parts.queue.push(this.#parts.now(), () => this.#drain(link));
    }
  }

  /** From now on nothing is lost, repeated or late. */
  calm(): void {
    this.#isCalm = true;
  }

  datagram(from: WorldProcess, to: WorldProcess, deed: Deed): void {
    const { queue, random, delayMs, faults, now } = this.#parts;
    const copies = this.#isCalm ? 1 : this.#copies();
    for (let copy = 0; copy < copies; copy++) {
      const jitterMs = this.#isCalm ? 0 : faults.jitterMs * random.next();
      const { life } = to;
      queue.push(now() + delayMs + jitterMs, () => {
        if (!this.#link(from, to).isCut) to.run(life, deed);
      });
    }
  }

  /** `deed` is run at its arrival whatever the receiver is then; a stream is a bare wire. */
  stream(from: WorldProcess, to: WorldProcess, deed: Deed): void {
    this.#inOrder(this.#link(from, to), deed);
  }

  #inOrder(link: Link, deed: Deed): void {
    const { queue, delayMs, now } = this.#parts;
    link.lastMs = Math.max(link.lastMs, now() + delayMs);
    queue.push(link.lastMs, () => {
      if (link.isCut || link.held.length > 0) link.held.push(deed);
      else deed();
    });
  }

  /** What comes while others are held waits behind them. */
  #drain(link: Link): void {
    while (!link.isCut) {
      const deed = link.held.shift();
      if (deed === undefined) return;
      deed();
    }
  }

  #copies(): number {
    const { random, faults } = this.#parts;
    if (random.next() < faults.drop) return 0;
    return random.next() < faults.duplicate ? 2 : 1;
  }

  #link(from: WorldProcess, to: WorldProcess): Link {
    const key = `${from.name}>${to.name}`;
    if (!this.#links.has(key)) this.#links.set(key, { isCut: false, lastMs: 0, held: [] });
    return defined(this.#links.get(key));
  }
}
