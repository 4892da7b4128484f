// A client of a cluster that fails: what it asked and what it got, over all of its tries. A try that
// breaks with its router is begun anew elsewhere, from the first token; one that ends has ended.

import { assert } from "@loci/core";
import type { GenerationEvent, GenerationRequest, LociError } from "@loci/core";
import { ClientView } from "../../seeds/client-view.ts";
import type { LonelyAnswer } from "../../seeds/lonely-run.ts";
import type { FaultRouter } from "./fault-router.ts";

/** How a request may end without an answer. */
const errorsAllowed: ReadonlySet<string> = new Set([
  "queue_full",
  "unavailable",
  "deadline_unmet",
  "quarantined",
]);

export class FaultClient {
  readonly request: GenerationRequest;
  readonly #answer: LonelyAnswer;
  #view: ClientView;
  #tries = 1;
  /** The router that it asked; null while it has none. */
  router: FaultRouter | null = null;

  constructor(request: GenerationRequest, answer: LonelyAnswer) {
    this.request = request;
    this.#answer = answer;
    this.#view = new ClientView(request, answer);
  }

  /** Unique for each try. */
  get tryId(): string {
    return `${this.request.id} try ${this.#tries}`;
  }

  get tries(): number {
    return this.#tries;
  }

  get end(): string | null {
    return this.#view.end;
  }

  get tokens(): number {
    return this.#view.tokens;
  }

  get history(): number[] {
    return this.#view.history;
  }

  /** Something comes; who has left does not see it. */
  take(event: GenerationEvent): void {
    if (this.end === "cancelled") return;
    this.#view.take({ requestId: this.request.id, event });
  }

  fail(error: LociError): void {
    if (this.end === "cancelled") return;
    assert(errorsAllowed.has(error.code), `${this.request.id}: ends by ${error.code}`);
    this.#view.take({ requestId: this.request.id, error });
  }

  /** It goes away. */
  leave(): void {
    this.#view.end = "cancelled";
  }

  /** The router is gone: the next try starts from nothing. */
  tryAgain(): void {
    assert(this.end === null, "only who was not answered asks again");
    this.#tries++;
    this.#view = new ClientView(this.request, this.#answer);
  }
}
