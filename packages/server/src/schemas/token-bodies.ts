// Bodies of POST /tokenize and POST /detokenize; field names of both llama-server and vLLM.

import { Type, type TUnsafe } from "typebox";
import { requestLimits } from "../limits.ts";
import { chatMessages, templateVariables, type ChatFields } from "./chat-body.ts";

export interface TokenizeBody extends Partial<ChatFields> {
  readonly model?: string;
  readonly content?: string;
  readonly prompt?: string;
  readonly add_special?: boolean;
  readonly add_special_tokens?: boolean;
  readonly parse_special?: boolean;
  readonly with_pieces?: boolean;
}

export interface DetokenizeBody {
  readonly model?: string;
  readonly tokens: readonly number[];
}

const maybe = Type.Optional;
const closed = { additionalProperties: false };
const model = maybe(Type.String({ maxLength: requestLimits.idCharsMax }));

/** Body of POST /tokenize. */
export const tokenizeBody: TUnsafe<TokenizeBody> = Type.Unsafe<TokenizeBody>(
  Type.Object(
    {
      model,
      content: maybe(Type.String()),
      prompt: maybe(Type.String({ description: "the same as content" })),
      add_special: maybe(Type.Boolean({ description: "adds BOS and the like; default true" })),
      add_special_tokens: maybe(Type.Boolean({ description: "the same as add_special" })),
      parse_special: maybe(
        Type.Boolean({ description: "special tokens written in the text count; default false" }),
      ),
      messages: maybe(chatMessages),
      chat_template_kwargs: maybe(templateVariables),
      add_generation_prompt: maybe(Type.Boolean()),
      with_pieces: maybe(Type.Boolean({ description: "tokens as {id, piece}" })),
    },
    { ...closed, title: "TokenizeRequest" },
  ),
);

/** Body of POST /detokenize. */
export const detokenizeBody: TUnsafe<DetokenizeBody> = Type.Unsafe<DetokenizeBody>(
  Type.Object(
    {
      model,
      tokens: Type.Array(Type.Integer({ minimum: 0, maximum: requestLimits.tokensMax })),
    },
    { ...closed, title: "DetokenizeRequest" },
  ),
);
