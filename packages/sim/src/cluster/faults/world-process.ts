// A process of a random world: it lives, stands still, or is dead, and may live again. What happens to
// it while it stands still waits; what was meant for an earlier life is lost.

import { assert } from "@loci/core";

export type Deed = () => void;

export class WorldProcess {
  readonly name: string;
  #life = 0;
  #isUp = false;
  #isPaused = false;
  #inbox: Deed[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** Counts its starts. */
  get life(): number {
    return this.#life;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  start(): void {
    assert(!this.#isUp, "only who is dead starts");
    this.#life++;
    this.#isUp = true;
    this.#isPaused = false;
  }

  kill(): void {
    this.#isUp = false;
    this.#isPaused = false;
    this.#inbox = [];
  }

  pause(): void {
    this.#isPaused = this.#isUp;
  }

  /** Goes on with all that waited, in order. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    const inbox = this.#inbox;
    this.#inbox = [];
    const life = this.#life;
    for (const deed of inbox) this.run(life, deed);
  }

  /** Does something in this life of it: now, when it goes on, or never. */
  run(life: number, deed: Deed): void {
    if (!this.#isUp || life !== this.#life) return;
    if (this.#isPaused) this.#inbox.push(deed);
    else deed();
  }
}
