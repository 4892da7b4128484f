// A worker's end of a trunk: requests come in as orders, the lines of all answers leave together. What
// is said in one turn of the event loop is one parcel: the tokens of a step of the engine.

import type { Duplex } from "node:stream";
import { assert } from "@loci/core";
import { decodeGenerationBody } from "../wire/generation-body.ts";
import { LineSplitter, parseLine } from "../wire/line-splitter.ts";
import {
  decodeOrder,
  encodeParcel,
  encodeParcelled,
  orderBytesMax,
  parcelChars,
} from "../wire/trunk-lines.ts";
import type { TrunkOrder } from "../wire/trunk-lines.ts";
import { WireError } from "../wire/wire-error.ts";
import { serveAnswer, tellError } from "./serve-answer.ts";
import { TrunkWriter } from "./trunk-writer.ts";
import type { WorkerContext } from "./worker-context.ts";
import { workerErrorOf } from "./worker-errors.ts";

export class AnswerTrunk {
  readonly #socket: Duplex;
  readonly #context: WorkerContext;
  readonly #splitter = new LineSplitter(orderBytesMax);
  /** By tag: answers under way. */
  readonly #writers = new Map<number, TrunkWriter>();
  /** The next parcel. */
  #parcel: string[] = [];
  #parcelChars = 0;
  #flushes = false;
  /** Something was sent since the last sign of life was due. */
  #hasSpoken = false;
  #cancelPing: () => void = () => undefined;

  /** Lives until the connection ends. */
  constructor(socket: Duplex, context: WorkerContext) {
    this.#socket = socket;
    this.#context = context;
    socket.on("data", (chunk: Uint8Array) => this.#take(chunk));
    socket.on("drain", () => this.#wakeAll());
    // It closes, too; there is nothing else to do about it.
    socket.on("error", () => undefined);
    socket.once("end", () => socket.destroy());
    socket.once("close", () => this.#closed());
    this.#armPing();
  }

  /** What was said is sent, and the connection ends. */
  destroy(): void {
    this.#flush();
    this.#socket.destroy();
  }

  checkIntegrity(): void {
    for (const writer of this.#writers.values()) writer.checkIntegrity();
    assert(this.#parcelChars <= parcelChars, "a full parcel is sent");
    assert(this.#flushes || this.#parcel.length === 0, "what was said will be sent");
  }

  #take(chunk: Uint8Array): void {
    try {
      for (const line of this.#splitter.push(chunk)) this.#perform(decodeOrder(parseLine(line)));
    } catch (error) {
      // A router that talks nonsense asks again, over a connection of its own.
      if (!(error instanceof WireError)) this.#context.onError(error);
      this.#socket.destroy();
    }
  }

  #perform(order: TrunkOrder): void {
    const { kind, tag } = order;
    if (kind === "ask") void this.#answer(tag, this.#open(tag), order.body);
    // An order may cross the end of its answer.
    else if (kind === "room") this.#writers.get(tag)?.grant(order.lines);
    else this.#writers.get(tag)?.leave();
  }

  #open(tag: number): TrunkWriter {
    if (this.#writers.has(tag)) throw new WireError("an answer has a tag of its own");
    const { clock, limits } = this.#context;
    const writer = new TrunkWriter({
      clock,
      slowReaderMs: limits.slowReaderMs,
      send: (line) => this.#send(tag, line),
      isFull: () => this.#socket.writableNeedDrain,
    });
    this.#writers.set(tag, writer);
    return writer;
  }

  async #answer(tag: number, writer: TrunkWriter, body: unknown): Promise<void> {
    const { answers } = this.#context;
    try {
      const decoded = decodeGenerationBody(body);
      answers.requireRoom();
      answers.add(writer);
      await serveAnswer(this.#context, writer, decoded);
    } catch (error) {
      await tellError(writer, workerErrorOf(error));
    } finally {
      this.#writers.delete(tag);
      answers.remove(writer);
    }
  }

  #send(tag: number, line: string): void {
    const parcelled = encodeParcelled(tag, line);
    this.#parcel.push(parcelled);
    this.#parcelChars += parcelled.length + 1;
    if (this.#parcelChars >= parcelChars) this.#flush();
    if (this.#flushes) return;
    this.#flushes = true;
    setImmediate(() => {
      this.#flushes = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#parcel.length === 0 || this.#socket.destroyed) return;
    this.#hasSpoken = true;
    this.#socket.write(encodeParcel(this.#parcel));
    this.#parcel = [];
    this.#parcelChars = 0;
  }

  #armPing(): void {
    this.#cancelPing = this.#context.clock.after(this.#context.limits.pingMs, () => {
      if (!this.#hasSpoken && !this.#socket.writableNeedDrain) this.#socket.write("\n");
      this.#hasSpoken = false;
      this.#armPing();
    });
  }

  #wakeAll(): void {
    for (const writer of this.#writers.values()) writer.wake();
  }

  #closed(): void {
    this.#cancelPing();
    this.#parcel = [];
    this.#parcelChars = 0;
    for (const writer of this.#writers.values()) writer.leave();
  }
}
