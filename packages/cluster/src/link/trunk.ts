// One connection to a worker that carries all its answers to this router; see wire/trunk-lines.ts. It
// breaks as a whole: then every answer on it has lost its worker, and the next one goes another way.

import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { assert } from "@loci/core";
import type { Clock } from "@loci/core";
import { LineSplitter, parseLine } from "../wire/line-splitter.ts";
import { encodeAsk, encodeEnd, encodeRoom, parcelBytesMax, unpack } from "../wire/trunk-lines.ts";
import { AttemptError } from "./attempt-error.ts";
import { SilentStreamError } from "./line-reader.ts";
import { SilenceWatch } from "./silence-watch.ts";
import { TrunkAnswer } from "./trunk-answer.ts";

export interface TrunkOptions {
  readonly clock: Clock;
  readonly silenceMsMax: number;
}

const keepAliveMs = 10_000;

export class Trunk {
  readonly #socket: Duplex;
  readonly #splitter = new LineSplitter(parcelBytesMax);
  readonly #watch: SilenceWatch;
  /** By tag: those that are read. */
  readonly #answers = new Map<number, TrunkAnswer>();
  #tags = 0;
  #isOpen = true;

  constructor(socket: Duplex, { clock, silenceMsMax }: TrunkOptions) {
    this.#socket = socket;
    if (socket instanceof Socket) socket.setNoDelay(true).setKeepAlive(true, keepAliveMs);
    this.#watch = new SilenceWatch(clock, silenceMsMax, () => {
      this.#fail(new SilentStreamError(`nothing came for ${silenceMsMax} ms`));
    });
    this.#watch.waits();
    const lost = (): void => {
      this.#fail(new AttemptError("worker_lost", "The worker broke off its answer."));
    };
    socket.on("data", (chunk: Uint8Array) => this.#take(chunk));
    socket.on("error", (error) => this.#fail(error));
    socket.once("end", lost);
    socket.once("close", lost);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** `body`: the request, encoded. The answer ends, and is told so, when `signal` is aborted. */
  ask(body: string, signal: AbortSignal): TrunkAnswer {
    assert(this.#isOpen, "an open trunk is asked");
    const tag = this.#tags++;
    const answer = new TrunkAnswer(signal, {
      room: (lines) => this.#write(encodeRoom(tag, lines)),
      left: (isOver) => {
        this.#answers.delete(tag);
        if (!isOver) this.#write(encodeEnd(tag));
      },
    });
    this.#answers.set(tag, answer);
    this.#write(encodeAsk(tag, body));
    if (signal.aborted) answer.destroy();
    return answer;
  }

  close(): void {
    this.#fail(new AttemptError("worker_lost", "The connection was closed."));
  }

  checkIntegrity(): void {
    for (const answer of this.#answers.values()) answer.checkIntegrity();
    assert(this.#isOpen || this.#answers.size === 0, "a broken trunk has no answers");
  }

  #write(line: string): void {
    if (this.#isOpen) this.#socket.write(line);
  }

  #take(chunk: Uint8Array): void {
    this.#watch.waits();
    try {
      for (const line of this.#splitter.push(chunk)) {
        if (line === "") continue;
        // Of an answer that nobody reads, words may still be on their way.
        unpack(parseLine(line), (tag, said) => this.#answers.get(tag)?.take(said));
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watch.close();
    this.#socket.destroy();
    for (const answer of this.#answers.values()) answer.fail(error);
  }
}
