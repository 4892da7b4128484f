// How long a new request would wait before it starts: the work ahead of it at the device's speed,
// as far as it has to end first for there to be room.

import type { Scheduler } from "./scheduler.ts";
import type { WorkEstimate } from "./order/work-estimate.ts";

export class WaitEstimate {
  readonly #work: WorkEstimate;
  readonly #scheduler: Scheduler;
  readonly #sequencesMax: number;

  constructor(work: WorkEstimate, scheduler: Scheduler, sequencesMax: number) {
    this.#work = work;
    this.#scheduler = scheduler;
    this.#sequencesMax = sequencesMax;
  }

  /** Expected seconds until a request that is submitted now would start, after all who wait. */
  seconds(): number {
    const { waiting, running } = this.#scheduler;
    let prompts = 0;
    let answers = 0;
    for (const request of [...running, ...waiting]) {
      const whole = this.#work.remainingSeconds(request);
      const prompt = this.#work.promptSeconds(request);
      prompts += prompt;
      answers += whole - prompt;
    }
    // Those who run show how many fit; with nobody waiting there is room for one more.
    const isFull = waiting.length > 0 || running.length >= this.#sequencesMax;
    if (!isFull) return prompts;
    // Of the answers under way, all but one batch have to end before a place is free for the last.
    const present = running.length + waiting.length;
    const ended = Math.max(1, present + 1 - running.length) / (present + 1);
    return prompts + answers * ended;
  }
}
