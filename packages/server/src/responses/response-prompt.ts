// From a body and its history to the tokens that the model reads: items become messages, messages
// are rendered, and what is known already keeps its exact tokens. With `truncation: "auto"` the
// oldest turns are left out until the rest fits.

import { LociError, type ChatMessage, type ChatPrompt } from "@loci/core";
import type { StoredItem } from "@loci/store";
import { chatTexts, requireChatTemplate, templateVariablesOf } from "../chat-prompt.ts";
import { chatMessages } from "../conversation/chat-items.ts";
import { continuePrompt, type ContinuedPrompt } from "../conversation/continue-prompt.ts";
import { requireTextFits } from "../generation-requests.ts";
import type { ToolBody } from "../schemas/chat-body.ts";
import type { ResponsesBody } from "../schemas/responses-body.ts";
import type { ServerContext } from "../server-context.ts";
import type { TurnHistory } from "./turn-history.ts";

/** Room that `truncation: "auto"` leaves for an answer whose length is not given. */
const answerTokensDefault = 256;

/** Throws context_length_exceeded, template_failed or invalid_request. */
export async function responsePrompt(
  context: ServerContext,
  body: ResponsesBody,
  history: Pick<TurnHistory, "items" | "tokens">,
  added: { readonly items: readonly StoredItem[]; readonly tools: readonly ToolBody[] | null },
): Promise<ContinuedPrompt> {
  requireChatTemplate(context.model.toolCallFormat);
  const items = [...history.items, ...added.items];
  const messages = chatMessages(body.instructions ?? null, items);
  if (messages.length === 0) {
    throw new LociError("invalid_request", "There is nothing to answer: 'input' is missing.", {
      param: "input",
    });
  }
  const chat: ChatPrompt = {
    messages,
    tools: added.tools,
    templateVariables: templateVariablesOf(body),
    addGenerationPrompt: true,
  };
  const rendered =
    body.truncation === "auto"
      ? await renderedToFit(context, body, chat)
      : await renderedWhole(context, chat);
  if (history.tokens === null) return { promptTokens: rendered, keptTokens: 0, fork: null };
  return continuePrompt(history.tokens, rendered, context.codec);
}

async function renderedWhole(context: ServerContext, chat: ChatPrompt): Promise<Int32Array> {
  requireTextFits(context, chatTexts(chat));
  return context.codec.encodeChat(chat);
}

/** Leaves out as few of the oldest turns as possible; the last one always stays. */
async function renderedToFit(
  context: ServerContext,
  body: ResponsesBody,
  chat: ChatPrompt,
): Promise<Int32Array> {
  const { contextTokensMax } = context.model;
  const room = Math.min(body.max_output_tokens ?? answerTokensDefault, contextTokensMax / 2);
  const starts = turnStarts(chat.messages);
  let fewest = 0;
  let most = starts.length - 1;
  let best: Int32Array | null = null;
  while (fewest <= most) {
    // The whole chat first: mostly it fits.
    const dropped = best === null && fewest === 0 ? 0 : Math.floor((fewest + most) / 2);
    const tokens = await tryRender(context, withoutTurns(chat, starts, dropped));
    if (tokens !== null && tokens.length <= contextTokensMax - room) {
      best = tokens;
      most = dropped - 1;
    } else fewest = dropped + 1;
  }
  return best ?? renderedWhole(context, withoutTurns(chat, starts, starts.length - 1));
}

async function tryRender(context: ServerContext, chat: ChatPrompt): Promise<Int32Array | null> {
  try {
    return await renderedWhole(context, chat);
  } catch (error) {
    if (error instanceof LociError && error.code === "context_length_exceeded") return null;
    throw error;
  }
}

/** Where turns begin: at each message of the user after an answer. Never empty. */
function turnStarts(messages: readonly ChatMessage[]): readonly number[] {
  const first = leadingSystemMessages(messages);
  const later = messages.flatMap(({ role }, index) =>
    index > first && role === "user" && messages[index - 1]?.role !== "user" ? [index] : [],
  );
  return [first, ...later];
}

function leadingSystemMessages(messages: readonly ChatMessage[]): number {
  const first = messages.findIndex(({ role }) => role !== "system");
  return first === -1 ? messages.length : first;
}

function withoutTurns(chat: ChatPrompt, starts: readonly number[], dropped: number): ChatPrompt {
  const [first = 0] = starts;
  const start = starts[dropped] ?? first;
  const messages = [...chat.messages.slice(0, first), ...chat.messages.slice(start)];
  return { ...chat, messages };
}
