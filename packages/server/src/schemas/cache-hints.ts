// Fields by which a client says what belongs together and how long it would like it kept.

import { Type, type TSchema } from "typebox";

export interface CacheHintFields {
  readonly prompt_cache_key?: string;
  readonly prompt_cache_retention?: "in_memory" | "in-memory" | "24h";
  readonly prompt_cache_options?: { readonly ttl?: "30m" | "12h"; readonly mode?: string };
  readonly session_id?: string;
}

const maybe = Type.Optional;

/** For the bodies of /v1/chat/completions and /v1/responses. */
export const cacheHintProperties: Readonly<Record<keyof CacheHintFields, TSchema>> = {
  prompt_cache_key: maybe(
    Type.String({ maxLength: 512, description: "names what shares its beginning" }),
  ),
  prompt_cache_retention: maybe(
    Type.Enum(["in_memory", "in-memory", "24h"], { description: "how long to keep the prefix" }),
  ),
  prompt_cache_options: maybe(
    Type.Object(
      {
        ttl: maybe(Type.Enum(["30m", "12h"], { description: "keep the prefix at least so long" })),
        mode: maybe(Type.String({ maxLength: 64 })),
        comparison_response_id: maybe(Type.String({ maxLength: 256 })),
      },
      { additionalProperties: false },
    ),
  ),
  session_id: maybe(Type.String({ maxLength: 512, description: "the same as prompt_cache_key" })),
};
