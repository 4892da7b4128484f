// The body of POST /v1/completions.

import { Type, type TUnsafe } from "typebox";
import { requestLimits } from "../limits.ts";
import { cacheHintProperties, type CacheHintFields } from "./cache-hints.ts";
import { generationProperties, inertProperties, integerIn } from "./sampling.ts";
import type { GenerationFields } from "./sampling.ts";

export interface CompletionBody extends GenerationFields, CacheHintFields {
  readonly prompt: CompletionPrompt;
  readonly max_tokens?: number;
  readonly logprobs?: number;
  readonly echo?: boolean;
  readonly suffix?: "";
  readonly parse_special?: boolean;
  readonly add_special_tokens?: boolean;
}

/** One text, texts, one prompt of token ids, or several of them. */
export type CompletionPrompt =
  | string
  | readonly string[]
  | readonly number[]
  | readonly (readonly number[])[];

const maybe = Type.Optional;
const tokenIds = Type.Array(integerIn(0, requestLimits.tokensMax, "a token id"), { minItems: 1 });
const several = { minItems: 1, maxItems: requestLimits.promptsMax };

/** Body of POST /v1/completions. */
export const completionBody: TUnsafe<CompletionBody> = Type.Unsafe<CompletionBody>(
  Type.Object(
    {
      prompt: Type.Union(
        [
          Type.String(),
          tokenIds,
          Type.Array(Type.String(), several),
          Type.Array(tokenIds, several),
        ],
        { description: "a text, token ids, or at most 32 of either" },
      ),
      ...generationProperties,
      max_tokens: maybe(integerIn(1, requestLimits.tokensMax, "default 16")),
      logprobs: maybe(integerIn(0, requestLimits.logprobsMax, "alternatives per token")),
      echo: maybe(Type.Boolean({ description: "the answer starts with the prompt's text" })),
      suffix: maybe(Type.Literal("", { description: "not supported; may be empty" })),
      parse_special: maybe(
        Type.Boolean({ description: "special tokens written in the text count; default false" }),
      ),
      add_special_tokens: maybe(
        Type.Boolean({
          description: "adds the tokens the model wants around a text; default true",
        }),
      ),
      ...cacheHintProperties,
      ...inertProperties,
    },
    { additionalProperties: false, title: "CompletionRequest" },
  ),
);
