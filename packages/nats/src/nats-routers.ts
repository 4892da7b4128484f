// Routers tell each other what they send to workers, so that two of them do not send the same new
// beginning to two places, nor both to the same idle worker. Said a few times a second and
// forgotten: a lost message costs hits, and so does a forged one, of which a bounded number is heard.

import { assert } from "@loci/core";
import type { Clock } from "@loci/core";
import type { SentElsewhere } from "@loci/router";

import type { Bus } from "./bus/bus.ts";
import { RateBound } from "./rate-bound.ts";
import { checkedName, subjectsOf } from "./subjects.ts";
import type { Subjects } from "./subjects.ts";
import { noNonce, Seal } from "./wire/sealed-message.ts";
import { decodeSent, encodeSent, sentNamesMax, sentRequestsMax } from "./wire/sent-codec.ts";

export interface NatsRoutersOptions {
  /** Keeps clusters apart that share one NATS. */
  readonly cluster: string;
  /** The secret that routers and workers of the cluster share. */
  readonly clusterKey: string;
  /** Another one for each router, and for each of its lives. */
  readonly routerId: string;
}

export interface NatsRoutersParts {
  readonly bus: Bus;
  readonly clock: Clock;
}

/** Since the start. */
export interface NatsRoutersCounts {
  readonly told: number;
  readonly heard: number;
  /** More than fit into messages, or while NATS was away. */
  readonly untold: number;
  /** Not sealed by a holder of the key, malformed, repeated, or too many. */
  readonly refused: number;
}

/** Requests wait so long for others to be told with them. */
const gatherMs = 20;
/** Of other routers, over all of them. */
const messagesPerSecondMax = 2000;
/** Beyond it the one that was silent longest is forgotten: what it said may then be repeated. */
const routersMax = 256;

export class NatsRouters {
  readonly #options: NatsRoutersOptions;
  readonly #parts: NatsRoutersParts;
  readonly #subjects: Subjects;
  readonly #seal: Seal;
  readonly #rate = new RateBound(messagesPerSecondMax);
  /** Number of the last message of each router; the last heard comes last. */
  readonly #last = new Map<string, number>();
  readonly #counts = { told: 0, heard: 0, untold: 0, refused: 0 };
  #gathered: SentElsewhere[] = [];
  #count = 0;
  #cancelTimer: (() => void) | null = null;

  /** @throws LociError config_invalid for names that cannot be told over NATS */
  constructor(options: NatsRoutersOptions, parts: NatsRoutersParts) {
    checkedName("router's id", options.routerId);
    this.#options = options;
    this.#parts = parts;
    this.#subjects = subjectsOf(options.cluster);
    this.#seal = new Seal(options.clusterKey, options.cluster);
  }

  /** Tells other routers of a request, in a moment. */
  tell(sent: SentElsewhere): void {
    if (this.#gathered.length >= sentRequestsMax) this.#flush();
    this.#gathered.push({ ...sent, names: sent.names.subarray(0, sentNamesMax) });
    this.#cancelTimer ??= this.#parts.clock.after(gatherMs, () => this.#flush());
  }

  /** Hears what others tell; the returned function ends it. */
  listen(listener: (sent: SentElsewhere) => void): () => void {
    return this.#parts.bus.subscribe(this.#subjects.allSent, (bytes) =>
      this.#hear(bytes, listener),
    );
  }

  counts(): NatsRoutersCounts {
    return { ...this.#counts };
  }

  close(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#gathered = [];
  }

  checkIntegrity(): void {
    assert(this.#gathered.length <= sentRequestsMax, "what is gathered fits into a message");
    assert(this.#gathered.length === 0 || this.#cancelTimer !== null, "it will be told");
    assert(this.#last.size <= routersMax, "routers are bounded");
  }

  #flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    const requests = this.#gathered;
    this.#gathered = [];
    if (requests.length === 0) return;
    const { routerId } = this.#options;
    this.#count += 1;
    const bytes = this.#seal.close({
      kind: "sent",
      workerId: routerId,
      epoch: "",
      count: this.#count,
      nonce: noNonce,
      body: encodeSent(requests),
    });
    const isTold = bytes !== null && this.#parts.bus.publish(this.#subjects.sent(routerId), bytes);
    this.#counts[isTold ? "told" : "untold"] += requests.length;
  }

  #hear(bytes: Uint8Array, listener: (sent: SentElsewhere) => void): void {
    const isInTime = this.#rate.take(this.#parts.clock.nowMs());
    const message = isInTime ? this.#seal.open(bytes) : null;
    if (message?.workerId === this.#options.routerId) return;
    const isNew =
      message?.kind === "sent" && message.count > (this.#last.get(message.workerId) ?? 0);
    const requests = isNew ? decodeSent(message.body) : null;
    if (!isNew || requests === null) {
      this.#counts.refused += 1;
      return;
    }
    this.#heardOf(message.workerId, message.count);
    for (const sent of requests) listener(sent);
    this.#counts.heard += requests.length;
  }

  #heardOf(routerId: string, count: number): void {
    this.#last.delete(routerId);
    this.#last.set(routerId, count);
    if (this.#last.size <= routersMax) return;
    const [oldest] = this.#last.keys();
    if (oldest !== undefined) this.#last.delete(oldest);
  }
}
