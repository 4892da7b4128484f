// POST /tokenize and /detokenize, also under /v1.

import { chatPrompt, chatTexts, requireChatTemplate } from "../chat-prompt.ts";
import { requireTextFits } from "../generation-requests.ts";
import { checkedTokenIds, invalid } from "../sampling-params.ts";
import { detokenized, tokenList } from "../schemas/response-bodies.ts";
import { detokenizeBody, tokenizeBody } from "../schemas/token-bodies.ts";
import type { DetokenizeBody, TokenizeBody } from "../schemas/token-bodies.ts";
import { requireModel, requireReady, type ServerContext } from "../server-context.ts";
import { documentedBody, type Routes } from "./routes.ts";

export function tokenRoutes(app: Routes, context: ServerContext): void {
  const tokenizeSchema = documentedBody(tokenizeBody, {
    summary: "Text to token ids",
    tag: "tokens",
    response: tokenList,
  });
  const detokenizeSchema = documentedBody(detokenizeBody, {
    summary: "Token ids to text",
    tag: "tokens",
    response: detokenized,
  });
  for (const prefix of ["", "/v1"]) {
    app.post(`${prefix}/tokenize`, { schema: tokenizeSchema }, (request) =>
      tokenize(context, request.body),
    );
    app.post(`${prefix}/detokenize`, { schema: detokenizeSchema }, (request) =>
      detokenize(context, request.body),
    );
  }
}

async function tokenize(context: ServerContext, body: TokenizeBody): Promise<object> {
  requireReady(context);
  requireModel(context, body.model);
  const tokens = await tokensOf(context, body);
  const ids = [...tokens];
  return {
    tokens: body.with_pieces ? ids.map((id) => ({ id, piece: piece(context, id) })) : ids,
    count: ids.length,
    max_model_len: context.model.contextTokensMax,
  };
}

/** The tokens of a text or a chat. */
export async function tokensOf(context: ServerContext, body: TokenizeBody): Promise<Int32Array> {
  const { messages, ...rest } = body;
  const text = oneOf(body.content, body.prompt, "prompt");
  if (messages !== undefined) {
    if (text !== undefined) throw invalid("messages", "Give a text or messages, not both.");
    requireChatTemplate(context.model.toolCallFormat);
    const chat = chatPrompt({ ...rest, messages }, null);
    requireTextFits(context, chatTexts(chat));
    return context.codec.encodeChat(chat);
  }
  if (text === undefined) throw invalid("content", "'content' is missing.");
  requireTextFits(context, [text]);
  return context.codec.tokenize(text, {
    addSpecial: oneOf(body.add_special, body.add_special_tokens, "add_special_tokens") ?? true,
    parseSpecial: body.parse_special ?? false,
  });
}

async function detokenize(context: ServerContext, body: DetokenizeBody): Promise<object> {
  requireReady(context);
  requireModel(context, body.model);
  const { vocabularySize, contextTokensMax } = context.model;
  if (body.tokens.length > contextTokensMax) {
    throw invalid("tokens", `At most ${contextTokensMax} tokens, as many as the context holds.`);
  }
  const ids = checkedTokenIds(body.tokens, vocabularySize, "tokens");
  const text = await context.codec.detokenize(Int32Array.from(ids));
  return { content: text, prompt: text };
}

/** The text of a token, or its bytes when they are no text on their own. */
function piece(context: ServerContext, id: number): string | readonly number[] {
  const bytes = context.codec.tokenBytes(id);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Part of a character.
    return [...bytes];
  }
}

function oneOf<T>(first: T | undefined, second: T | undefined, param: string): T | undefined {
  if (first !== undefined && second !== undefined) throw invalid(param, "Given under two names.");
  return first ?? second;
}
