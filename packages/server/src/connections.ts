// Knows which connections have a request in work, so that stopping closes every other one at once
// and those as soon as their answer has left.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { assert } from "@loci/core";

export class Connections {
  /** Requests in work per open connection. */
  readonly #active = new Map<Socket, number>();
  #draining = false;

  constructor(server: Server) {
    server.on("connection", (socket: Socket) => this.#opened(socket));
    server.on("request", (request: IncomingMessage, response: ServerResponse) => {
      this.#began(request.socket, response);
    });
  }

  /** Closes idle connections now and every other one after its answer. */
  drain(): void {
    this.#draining = true;
    for (const [socket, requests] of this.#active) if (requests === 0) socket.destroy();
  }

  /** Cuts whatever is still open. */
  destroyAll(): void {
    for (const socket of this.#active.keys()) socket.destroy();
  }

  get open(): ReadonlySet<Socket> {
    return new Set(this.#active.keys());
  }

  checkIntegrity(): void {
    for (const [socket, requests] of this.#active) {
      assert(requests >= 0, "requests in work are never negative");
      assert(!socket.closed, "closed connections are forgotten");
    }
  }

  #opened(socket: Socket): void {
    if (this.#draining) {
      socket.destroy();
      return;
    }
    this.#active.set(socket, 0);
    socket.once("close", () => this.#active.delete(socket));
  }

  #began(socket: Socket, response: ServerResponse): void {
    const requests = this.#active.get(socket);
    // Requests made in process have no connection.
    if (requests === undefined) return;
    this.#active.set(socket, requests + 1);
    response.once("close", () => this.#ended(socket));
  }

  #ended(socket: Socket): void {
    const requests = this.#active.get(socket);
    if (requests === undefined) return;
    this.#active.set(socket, requests - 1);
    // The answer may still lie in the socket's buffer: it goes out before the end.
    if (this.#draining && requests === 1) socket.destroySoon();
  }
}
