// `Idempotency-Key`: the first request with a key is executed, and every later one gets its answer.
// While the first still runs, others are refused (409): they may try again a little later. A key
// that comes back with another request is a mistake of the client (422). Only answers are kept; a
// request that failed may be tried again under its key.

import { createHash } from "node:crypto";
import { LociError } from "@loci/core";
import type { StoredReply } from "@loci/store";
import type { FastifyRequest } from "fastify";
import type { ServerContext } from "../server-context.ts";

const keyPattern = /^[\x21-\x7e]{1,255}$/;

export class KeyClaim {
  readonly key: string;
  readonly #context: ServerContext;
  readonly #tenant: string;
  #isOpen = true;

  constructor(context: ServerContext, tenant: string, key: string) {
    this.#context = context;
    this.#tenant = tenant;
    this.key = key;
  }

  /** Resolves when the answer is kept for later requests; with `responseId` until that is deleted. */
  async finish(reply: StoredReply, responseId: string | null = null): Promise<void> {
    await this.#context.idempotency.finish(this.#tenant, this.key, reply, responseId);
    this.#isOpen = false;
  }

  /** The answer was kept together with its turn. */
  committed(): void {
    this.#isOpen = false;
  }

  /** Without an answer the key may be used again. Does nothing after one was kept. */
  async release(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#context.idempotency.release(this.#tenant, this.key);
  }
}

export type KeyedRequest =
  /** No key was sent. */
  | { readonly claim: null; readonly reply: null }
  | { readonly claim: KeyClaim; readonly reply: null }
  | { readonly claim: null; readonly reply: StoredReply };

/** Throws invalid_request, idempotency_conflict or idempotency_mismatch. */
export async function claimKey(
  context: ServerContext,
  request: FastifyRequest,
): Promise<KeyedRequest> {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return { claim: null, reply: null };
  if (typeof key !== "string" || !keyPattern.test(key)) {
    throw new LociError("invalid_request", "An Idempotency-Key has 1 to 255 visible characters.");
  }
  const { tenant } = request;
  const claim = await context.idempotency.claim(tenant, {
    key,
    requestDigest: digestOf(request),
    createdUnixSeconds: context.clock.unixSeconds(),
  });
  switch (claim.state) {
    case "claimed":
      return { claim: new KeyClaim(context, tenant, key), reply: null };
    case "finished":
      return { claim: null, reply: claim.reply };
    case "running":
      throw new LociError(
        "idempotency_conflict",
        "A request with this Idempotency-Key is still being answered.",
        { remedy: "Try again a little later.", retryAfterSeconds: 1 },
      );
    case "conflict":
    default:
      throw new LociError(
        "idempotency_mismatch",
        "This Idempotency-Key was used with another request.",
        { remedy: "Use a new key for each request." },
      );
  }
}

/** Headers are left out: they differ from one attempt to the next. */
function digestOf(request: FastifyRequest): string {
  const text = JSON.stringify([request.method, request.routeOptions.url, request.body]);
  return createHash("sha256").update(text).digest("hex");
}

/** A JSON body as it is kept for later requests. */
export function jsonReply(body: unknown): StoredReply {
  const contentType = "application/json; charset=utf-8";
  return { status: 200, contentType, body: JSON.stringify(body) };
}
