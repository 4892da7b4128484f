// Publishes cache events as vLLM does, over real sockets: PUB with a topic, an 8-byte big-endian
// number and msgpack; a ROUTER that replays the last batches to whoever names a number, and ends with
// -1. Written after the published protocol, not after our reader.

import { sleep, systemClock } from "@loci/core";
import { pack } from "msgpackr";
import { Router, XPublisher } from "zeromq";

export interface PublisherOptions {
  readonly topic?: string;
  /** Batches that can be replayed. */
  readonly bufferSteps?: number;
  readonly replays?: boolean;
}

/** A closed socket lets go of its port a moment later: five seconds are many. */
const bindsMax = 250;
const bindEveryMs = 20;

const endOfReplay = Buffer.alloc(8, 0xff);

export class EventPublisher implements AsyncDisposable {
  readonly #options: PublisherOptions;
  readonly #pub = new XPublisher({ sendHighWaterMark: 100_000, linger: 0 });
  readonly #router = new Router({ linger: 0 });
  readonly #buffer: { readonly sequence: number; readonly payload: Buffer }[] = [];
  #sequence = 0;
  #served: Promise<void> = Promise.resolve();
  #replays = 0;

  private constructor(options: PublisherOptions) {
    this.#options = options;
  }

  static async open(
    options: PublisherOptions = {},
    endpoints?: Endpoints,
  ): Promise<EventPublisher> {
    const publisher = new EventPublisher(options);
    await bindWhenFree(publisher.#pub, endpoints?.endpoint ?? "tcp://127.0.0.1:0");
    await bindWhenFree(publisher.#router, endpoints?.replayEndpoint ?? "tcp://127.0.0.1:0");
    if (options.replays ?? true) publisher.#served = publisher.#serve();
    return publisher;
  }

  get endpoints(): Endpoints {
    return {
      endpoint: this.#pub.lastEndpoint ?? "",
      replayEndpoint: this.#router.lastEndpoint ?? "",
    };
  }

  /** Replays that were asked for. */
  get replays(): number {
    return this.#replays;
  }

  /** Resolves when the next subscription has arrived: what is published from then on is heard. */
  async subscribed(): Promise<void> {
    // A PUB socket that tells who subscribes; on the wire it is the same.
    await this.#pub.receive();
  }

  /** Sends a batch of events; with `isLost` it is numbered and kept, but never sent. */
  async publish(events: readonly unknown[], isLost = false): Promise<void> {
    const sequence = this.#sequence++;
    const payload = pack([1_700_000_000.5, events, 0]);
    this.#buffer.push({ sequence, payload });
    if (this.#buffer.length > (this.#options.bufferSteps ?? 10_000)) this.#buffer.shift();
    if (isLost) return;
    await this.#pub.send([this.#options.topic ?? "", numbered(sequence), payload]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pub.close();
    this.#router.close();
    await this.#served;
  }

  async #serve(): Promise<void> {
    try {
      for await (const [identity, , start] of this.#router) {
        this.#replays++;
        const from = Number((start ?? Buffer.alloc(8)).readBigUInt64BE());
        for (const { sequence, payload } of this.#buffer) {
          if (sequence < from) continue;
          await this.#router.send([identity ?? "", "", numbered(sequence), payload]);
        }
        await this.#router.send([identity ?? "", "", endOfReplay, ""]);
      }
    } catch {
      // Closed while it was answering.
    }
  }
}

export interface Endpoints {
  readonly endpoint: string;
  readonly replayEndpoint: string;
}

async function bindWhenFree(socket: XPublisher | Router, endpoint: string): Promise<void> {
  for (let bind = 1; ; bind++) {
    try {
      return await socket.bind(endpoint);
    } catch (error) {
      if (bind === bindsMax) throw error;
      await sleep(systemClock, bindEveryMs);
    }
  }
}

function numbered(sequence: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(sequence));
  return bytes;
}
