// Bodies and answers of /v1/cache: what the cache knows, why a prompt hits, forgetting.

import { Type, type TSchema, type TUnsafe } from "typebox";
import { requestLimits } from "../limits.ts";
import { chatMessages, templateVariables, type ChatFields } from "./chat-body.ts";

/** A prompt in one of four forms. */
export interface CachePromptBody extends Partial<ChatFields> {
  readonly prompt?: string;
  readonly tokens?: readonly number[];
  readonly response_id?: string;
  readonly cache_salt?: string;
}

const maybe = Type.Optional;
const closed = { additionalProperties: false };
const cacheSalt = Type.String({ minLength: 1, maxLength: 128 });

/** Body of POST /v1/cache/explain and /v1/cache/forget. */
export const cachePromptBody: TUnsafe<CachePromptBody> = Type.Unsafe<CachePromptBody>(
  Type.Object(
    {
      prompt: maybe(Type.String()),
      messages: maybe(chatMessages),
      chat_template_kwargs: maybe(templateVariables),
      tokens: maybe(
        Type.Array(Type.Integer({ minimum: 0, maximum: requestLimits.tokensMax }), { minItems: 1 }),
      ),
      response_id: maybe(Type.String({ maxLength: requestLimits.idCharsMax })),
      cache_salt: maybe(cacheSalt),
    },
    { ...closed, title: "CachePrompt" },
  ),
);

export interface CacheQuery {
  readonly limit?: string;
  readonly cache_salt?: string;
}

/** Sequences listed when nobody says how many. */
export const chainsDefault = 100;

export const cacheQuery: TSchema = Type.Object(
  {
    limit: maybe(Type.String({ pattern: "^[1-9][0-9]{0,2}$", description: "default 100" })),
    cache_salt: maybe(cacheSalt),
  },
  closed,
);

const byTier = Type.Object({
  device: Type.Integer(),
  host: Type.Integer(),
  disk: Type.Integer(),
  missing: Type.Integer({ description: "known, but computed again when needed" }),
});

const token = Type.Object({ id: Type.Integer(), text: Type.String() });

export const cacheAnswer: TSchema = Type.Object({
  object: Type.Literal("cache"),
  block_tokens: Type.Integer(),
  block_bytes: Type.Union([Type.Integer(), Type.Null()]),
  device: Type.Object({ slots: Type.Integer(), slots_used: Type.Integer() }),
  tiers: Type.Array(
    Type.Object({
      name: Type.String(),
      slots: Type.Integer(),
      slots_used: Type.Integer(),
      restored_tokens: Type.Integer(),
      failed_restores: Type.Integer(),
      failed_stores: Type.Integer(),
    }),
  ),
  prompt_tokens: Type.Integer(),
  cached_tokens: Type.Integer(),
  recomputed_tokens: Type.Integer(),
  chains: Type.Array(
    Type.Object({
      tokens: Type.Integer(),
      by_tier: byTier,
      idle_seconds: Type.Number(),
      first_text: Type.String(),
      last_text: Type.String(),
    }),
  ),
});

export const explainAnswer: TSchema = Type.Object({
  object: Type.Literal("cache.explanation"),
  prompt_tokens: Type.Integer(),
  known_tokens: Type.Integer(),
  by_tier: byTier,
  difference: Type.Union([
    Type.Object(
      { position: Type.Integer(), prompt: token, known: Type.Array(token) },
      { description: "the first token that is not known, and what is known there instead" },
    ),
    Type.Null(),
  ]),
  fork: Type.Unknown({ description: "where a response's prompt left its history; or null" }),
});

export const forgetAnswer: TSchema = Type.Object({
  object: Type.Literal("cache.forgotten"),
  blocks: Type.Integer(),
});
