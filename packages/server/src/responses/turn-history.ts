// What a new turn continues: nothing, a conversation, or the chain of turns before a response. Only
// turns that ended as they should are history; what a crash or a lost client cut off is not.

import { LociError } from "@loci/core";
import { responseChainMax } from "@loci/store";
import type { Store, StoredItem, StoredResponse } from "@loci/store";
import { wholeTurn } from "../conversation/chat-recall.ts";
import { invalid } from "../sampling-params.ts";
import type { ResponsesBody } from "../schemas/responses-body.ts";
import type { Resumption } from "./resumption.ts";

export interface TurnHistory {
  readonly items: readonly StoredItem[];
  /** The exact tokens of the last turn, prompt and answer; null when there is none. */
  readonly tokens: Int32Array | null;
  readonly conversation: { readonly id: string; readonly version: number } | null;
  readonly previousResponseId: string | null;
  /** What all turns of it have in common. */
  readonly sessionName: string | null;
  /** Set when its last answer is to be continued or given anew. */
  readonly resumption: Resumption | null;
  /** The turn that is under way on the conversation; nothing may be begun before it ends. */
  readonly busyResponseId: string | null;
}

export const noHistory: TurnHistory = {
  items: [],
  tokens: null,
  conversation: null,
  previousResponseId: null,
  sessionName: null,
  resumption: null,
  busyResponseId: null,
};

/** Throws not_found, conversation_busy or invalid_request. */
export async function readTurnHistory(
  store: Store,
  tenant: string,
  body: ResponsesBody,
): Promise<TurnHistory> {
  const { conversation, previous_response_id: previousId } = body;
  if (conversation !== undefined && previousId !== undefined) {
    throw invalid("conversation", "Give a conversation or a previous_response_id, not both.");
  }
  if (conversation !== undefined) {
    const id = typeof conversation === "string" ? conversation : conversation.id;
    return conversationHistory(store, tenant, id);
  }
  return previousId === undefined ? noHistory : chainHistory(store, tenant, previousId);
}

/** Whether `readTurnHistory` will ask the store. */
export function hasHistory(body: ResponsesBody): boolean {
  return body.conversation !== undefined || body.previous_response_id !== undefined;
}

async function conversationHistory(store: Store, tenant: string, id: string): Promise<TurnHistory> {
  const history = await store.conversations.readHistory(tenant, id);
  if (history === null) throw noSuchConversation("conversation");
  const { items, version, busyResponseId, lastResponseId } = history;
  return {
    items,
    tokens: lastResponseId === null ? null : await tokensOf(store, tenant, lastResponseId),
    conversation: { id, version },
    previousResponseId: null,
    sessionName: id,
    resumption: null,
    busyResponseId,
  };
}

async function chainHistory(store: Store, tenant: string, id: string): Promise<TurnHistory> {
  const param = "previous_response_id";
  const chain = await store.responses.readChain(tenant, id);
  const last = chain?.responses.at(-1);
  if (chain === null || last === undefined) throw noSuchResponse(param);
  if (chain.missingId !== null && chain.responses.length >= responseChainMax) {
    throw new LociError("invalid_request", `A chain has at most ${responseChainMax} responses.`, {
      param,
      remedy: "Begin a conversation: it has no such bound.",
    });
  }
  if (chain.missingId !== null) {
    throw new LociError("not_found", "An earlier response of its chain was deleted.", { param });
  }
  requireContinuable(last);
  return {
    items: chain.responses.flatMap((turn) => [...turn.inputItems, ...turn.outputItems]),
    tokens: await tokensOf(store, tenant, id),
    conversation: null,
    previousResponseId: id,
    sessionName: chain.responses[0]?.id ?? id,
    resumption: null,
    busyResponseId: null,
  };
}

function requireContinuable(last: StoredResponse): void {
  const param = "previous_response_id";
  if (last.conversationId !== null) {
    throw new LociError("invalid_request", "That response belongs to a conversation.", {
      param,
      remedy: "Continue it by 'conversation'.",
    });
  }
  if (last.status === "queued" || last.status === "in_progress") {
    throw new LociError("conversation_busy", "That response is not complete yet.", { param });
  }
  if (last.isHistory) return;
  throw new LociError("invalid_request", `That response is ${last.status}, so it is no history.`, {
    param,
    remedy: "Continue the response before it.",
  });
}

async function tokensOf(store: Store, tenant: string, id: string): Promise<Int32Array | null> {
  const tokens = await store.responses.readTokens(tenant, id);
  return tokens === null ? null : wholeTurn(tokens);
}

/** The same words for an id that never was and for another tenant's. */
export function noSuchConversation(param?: string): LociError {
  const details = param === undefined ? {} : { param };
  return new LociError("not_found", "The conversation does not exist.", details);
}

/** The same words for an id that never was and for another tenant's. */
export function noSuchResponse(param?: string): LociError {
  const details = param === undefined ? {} : { param };
  return new LociError("not_found", "The response does not exist.", details);
}
