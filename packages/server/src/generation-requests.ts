// From prompts in token ids to the requests a generation service takes: n answers each, lengths
// that fit the context, the cache shared only within tenant and salt.

import { createHash } from "node:crypto";
import { LociError, type GenerationRequest, type SamplingParams } from "@loci/core";
import type { SessionHints } from "./conversation/session-hints.ts";
import type { SchedulingHints } from "./scheduling-hints.ts";
import { invalid, checkedTokenIds, stopStrings, withSeed } from "./sampling-params.ts";
import type { GenerationFields } from "./schemas/sampling.ts";
import type { ServerContext } from "./server-context.ts";

export interface GenerationPlan {
  /** Of the whole answer; each generation's id begins with it. */
  readonly id: string;
  readonly tenant: string;
  readonly prompts: readonly Int32Array[];
  /** Null: as many as the context leaves. */
  readonly maxTokens: number | null;
  readonly sampling: SamplingParams;
  readonly hints?: SessionHints & SchedulingHints;
}

/** The fields that decide a generation besides its prompt. */
type RequestFields = Pick<
  GenerationFields,
  "n" | "min_tokens" | "stop" | "stop_token_ids" | "ignore_eos" | "cache_salt"
>;

/** Answer `i` of prompt `p` is request `p · n + i`. Throws invalid_request. */
export function generationRequests(
  context: ServerContext,
  body: RequestFields,
  plan: GenerationPlan,
): readonly GenerationRequest[] {
  const { model } = context;
  const minTokens = body.min_tokens ?? 0;
  if (plan.maxTokens !== null && minTokens > plan.maxTokens) {
    throw invalid("min_tokens", "min_tokens is larger than max_tokens.");
  }
  const stop = stopStrings(body.stop);
  const stopTokenIds = checkedTokenIds(
    body.stop_token_ids ?? [],
    model.vocabularySize,
    "stop_token_ids",
  );
  return plan.prompts.flatMap((promptTokens, promptIndex) => {
    requireRoom(promptTokens.length, model.contextTokensMax);
    const room = model.contextTokensMax - promptTokens.length;
    return Array.from({ length: body.n ?? 1 }, (_, answerIndex) => ({
      id: `${plan.id}-${promptIndex}-${answerIndex}`,
      tenant: cacheOwner(plan.tenant, body.cache_salt),
      // A new salt for each request must not make a tenant many.
      payer: plan.tenant,
      promptTokens,
      maxTokens: Math.min(plan.maxTokens ?? room, room),
      minTokens: Math.min(minTokens, room),
      ignoreEos: body.ignore_eos ?? false,
      stop,
      stopTokenIds,
      sampling: withSeed(plan.sampling, answerIndex),
      ...plan.hints,
    }));
  });
}

function requireRoom(promptTokens: number, contextTokensMax: number): void {
  if (promptTokens === 0) throw invalid("prompt", "The prompt has no tokens.");
  if (promptTokens < contextTokensMax) return;
  throw new LociError(
    "context_length_exceeded",
    `The context of this model is ${contextTokensMax} tokens; the prompt has ${promptTokens}.`,
  );
}

/** Refuses, before tokenising, a text that cannot fit the context. */
export function requireTextFits(context: ServerContext, texts: Iterable<string>): void {
  const { contextTokensMax } = context.model;
  const bytesMax = contextTokensMax * context.limits.textBytesPerContextToken;
  let bytes = 0;
  for (const text of texts) bytes += Buffer.byteLength(text);
  if (bytes <= bytesMax) return;
  throw new LociError(
    "context_length_exceeded",
    `The context of this model is ${contextTokensMax} tokens; a text of ${bytes} bytes ` +
      `(more than ${bytesMax}) cannot fit.`,
  );
}

/** Whose cache a request shares: its tenant's, or that of one salt within it. */
export function cacheOwner(tenant: string, salt: string | undefined): string {
  if (salt === undefined) return tenant;
  return `${tenant}/${createHash("sha256").update(salt).digest("hex").slice(0, 32)}`;
}
