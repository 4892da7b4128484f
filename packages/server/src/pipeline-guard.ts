// Answers of one connection leave in order, so its requests are also worked on in order: a
// pipelined request waits, unread, until the one before it is answered.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { LociError } from "@loci/core";

interface Line {
  waiting: number;
  last: Promise<void>;
}

export class PipelineGuard {
  readonly #pipelinedMax: number;
  readonly #lines = new WeakMap<Socket, Line>();

  constructor(pipelinedMax: number) {
    this.#pipelinedMax = pipelinedMax;
  }

  /** Resolves when it is this request's turn. Throws queue_full when too many wait before it. */
  async turn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const line = this.#lines.get(request.socket) ?? { waiting: 0, last: Promise.resolve() };
    this.#lines.set(request.socket, line);
    const before = line.last;
    line.waiting++;
    line.last = new Promise((resolve) => {
      response.once("close", () => {
        line.waiting--;
        resolve();
      });
    });
    if (line.waiting > this.#pipelinedMax) {
      throw new LociError("queue_full", "Too many pipelined requests on this connection.");
    }
    await before;
  }
}
