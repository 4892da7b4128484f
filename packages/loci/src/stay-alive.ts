// An idle engine does not keep the process from ending; one at work does. Its timers and threads
// alone would not: an open port does.

import { MessageChannel } from "node:worker_threads";

export class StayAlive {
  readonly #channel = new MessageChannel();
  #holders = 0;

  constructor() {
    this.#channel.port1.on("message", () => undefined);
    this.#channel.port1.unref();
  }

  /** The process lives until the result is disposed of. */
  hold(): Disposable {
    if (this.#holders++ === 0) this.#channel.port1.ref();
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        if (--this.#holders === 0) this.#channel.port1.unref();
      },
    };
  }

  close(): void {
    this.#channel.port1.close();
    this.#channel.port2.close();
  }
}
