// A bus on which block events meet with a fate of the test's choice.

import type { AskRules, Bus, MessageHandler } from "../bus/bus.ts";

/** What is heard of events passes through `fate`; everything else is as it is. */
export class FaultyBus implements Bus {
  readonly #bus: Bus;
  readonly #fate: (pass: () => void) => void;

  constructor(bus: Bus, fate: (pass: () => void) => void) {
    this.#bus = bus;
    this.#fate = fate;
  }

  get isUp(): boolean {
    return this.#bus.isUp;
  }

  publish(subject: string, bytes: Uint8Array): boolean {
    return this.#bus.publish(subject, bytes);
  }

  flush(): Promise<void> {
    return this.#bus.flush();
  }

  subscribe(subject: string, handler: MessageHandler): () => void {
    const isFaulty = subject.includes(".kv.");
    return this.#bus.subscribe(subject, (bytes, reply) => {
      if (isFaulty) this.#fate(() => handler(bytes, reply));
      else handler(bytes, reply);
    });
  }

  ask(subject: string, bytes: Uint8Array, rules: AskRules): Promise<void> {
    return this.#bus.ask(subject, bytes, rules);
  }

  replay(stream: string, subject: string): Promise<readonly Uint8Array[] | null> {
    return this.#bus.replay(stream, subject);
  }

  listen(listener: (isConnected: boolean) => void): () => void {
    return this.#bus.listen(listener);
  }
}
