// Every request in work has one abort signal: it fires when the client leaves, in whatever phase,
// and when the server stops for good.

import type { ServerResponse } from "node:http";
import { assert, LociError } from "@loci/core";

export class LiveRequests {
  readonly #controllers = new Set<AbortController>();
  #stopped = false;

  /** The signal of the request that `response` answers; its reason is a LociError. */
  signalFor(response: ServerResponse): AbortSignal {
    const controller = new AbortController();
    // Closed already, it would never tell again.
    if (response.closed) {
      controller.abort(new LociError("cancelled", "The client has left."));
      return controller.signal;
    }
    this.#controllers.add(controller);
    response.once("close", () => {
      this.#controllers.delete(controller);
      // Closing after the last byte was handed over is the normal end; aborting then is harmless.
      controller.abort(new LociError("cancelled", "The client has left."));
    });
    if (response.destroyed) controller.abort(new LociError("cancelled", "The client has left."));
    if (this.#stopped) controller.abort(stopping());
    return controller.signal;
  }

  /** The signal of work that outlives its request; `done` ends its being live. */
  detached(): { readonly signal: AbortSignal; readonly done: () => void } {
    const controller = new AbortController();
    this.#controllers.add(controller);
    if (this.#stopped) controller.abort(stopping());
    return { signal: controller.signal, done: () => void this.#controllers.delete(controller) };
  }

  get count(): number {
    return this.#controllers.size;
  }

  /** Cancels all that is in work and all that is still to come. */
  abortAll(): void {
    this.#stopped = true;
    for (const controller of this.#controllers) controller.abort(stopping());
  }

  checkIntegrity(): void {
    for (const controller of this.#controllers) {
      assert(this.#stopped || !controller.signal.aborted, "live requests are not aborted");
    }
  }
}

function stopping(): LociError {
  return new LociError("unavailable", "The server stopped before the answer was complete.");
}
