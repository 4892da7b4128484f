// Turns that do not add to a conversation but do its last one over: `continue_response` lets an answer
// that was cut off go on from its exact tokens, `regenerate_response` gives another answer to the same
// prompt. Until the new answer is kept, the conversation is as it was.
//
//   conversation   … question | answer            last response: old
//   continue       … question | answer and more   prompt: old's, delivered: old's answer
//   regenerate     … question | another answer    prompt: old's

import { LociError } from "@loci/core";
import type { JsonObject, Store, StoredItem, StoredResponse, TurnTokens } from "@loci/store";
import { invalid } from "../sampling-params.ts";
import type { ResponsesBody } from "../schemas/responses-body.ts";
import { noSuchResponse, type TurnHistory } from "./turn-history.ts";

export interface Resumption {
  /** Of the old response, for what the request leaves out. */
  readonly parameters: JsonObject;
  /** Its answer, which the new one takes the place of. */
  readonly replacesItemIds: readonly string[];
  /** What the answer goes on from; null for another answer. */
  readonly delivered: DeliveredAnswer | null;
}

export interface DeliveredAnswer {
  readonly promptTokens: Int32Array;
  readonly answerTokens: Int32Array;
  /** What was certain of its text after these tokens. */
  readonly text: string;
}

type ResumeParam = "continue_response" | "regenerate_response";

/** The field that asks for it, and the response it names; null: the request is an ordinary turn. */
export function askedResumption(
  body: ResponsesBody,
): { readonly param: ResumeParam; readonly id: string } | null {
  const { continue_response: continued, regenerate_response: regenerated } = body;
  if (continued !== undefined) return { param: "continue_response", id: continued };
  return regenerated === undefined ? null : { param: "regenerate_response", id: regenerated };
}

/** Throws invalid_request for a request that asks for something else besides. */
export function requireResumable(body: ResponsesBody): void {
  const asked = askedResumption(body);
  if (asked === null) return;
  const { param } = asked;
  const others = ["input", "previous_response_id", "regenerate_response"] as const;
  for (const other of others) {
    if (other !== param && body[other] !== undefined) {
      throw invalid(other, `'${other}' and '${param}' exclude each other.`);
    }
  }
  if (body.store === false) throw invalid("store", "A turn of a conversation is always stored.");
  const wantsLogprobs = (body.top_logprobs ?? 0) > 0 || body.include !== undefined;
  if (param === "continue_response" && wantsLogprobs) {
    throw invalid(param, "A continued answer has no log-probabilities.");
  }
}

/** What the turn continues. Throws not_found or invalid_request. */
export async function readResumed(
  store: Store,
  tenant: string,
  asked: { readonly param: ResumeParam; readonly id: string },
  body: ResponsesBody,
): Promise<TurnHistory> {
  const { param, id } = asked;
  const old = await store.responses.read(tenant, id);
  const { conversationId } = old ?? {};
  if (old === null) throw noSuchResponse(param);
  if (typeof conversationId !== "string") {
    throw invalid(param, "That response belongs to no conversation.");
  }
  requireSame(body.conversation, conversationId);
  const found = await store.conversations.readHistory(tenant, conversationId);
  if (found === null) throw noSuchResponse(param);
  const { items, version, busyResponseId, lastResponseId } = found;
  const history = {
    conversation: { id: conversationId, version },
    previousResponseId: null,
    sessionName: conversationId,
    busyResponseId,
  };
  // Whatever is under way may be the very response that is meant.
  if (busyResponseId !== null) return { ...history, items, tokens: null, resumption: null };
  if (lastResponseId !== id) throw notLast(param);
  const before = itemsBefore(items, old.outputItems, param);
  const tokens = await store.responses.readTokens(tenant, id);
  const resumption: Resumption = {
    parameters: old.parameters,
    replacesItemIds: old.outputItems.map((item) => item.id),
    delivered: param === "continue_response" ? deliveredOf(old, tokens) : null,
  };
  return { ...history, items: before, tokens: tokens?.promptTokens ?? null, resumption };
}

/** The request with what it leaves out taken from the response it goes on from. */
export function resumedBody(body: ResponsesBody, { parameters }: Resumption): ResponsesBody {
  const kept = Object.fromEntries(
    inheritedFields.flatMap((name) => {
      const value = parameters[name];
      return value === null || value === undefined ? [] : [[name, value]];
    }),
  );
  const { tools } = kept;
  const shown = { ...kept, ...(Array.isArray(tools) && { tools: tools.map(withoutNulls) }) };
  // They were fields of such a body, and shown with nulls for what was absent.
  const inherited: Partial<ResponsesBody> = JSON.parse(JSON.stringify(shown));
  return { ...inherited, ...body };
}

const inheritedFields = [
  "instructions",
  "metadata",
  "parallel_tool_calls",
  "temperature",
  "text",
  "tool_choice",
  "tools",
  "top_p",
  "truncation",
] as const;

function withoutNulls(tool: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(tool).filter(([, value]) => value !== null));
}

function requireSame(given: ResponsesBody["conversation"], id: string): void {
  const named = typeof given === "object" ? given.id : given;
  if (named === undefined || named === id) return;
  throw invalid("conversation", "That response belongs to another conversation.");
}

/** The conversation without the answer, which must be its end. */
function itemsBefore(
  items: readonly StoredItem[],
  answer: readonly StoredItem[],
  param: ResumeParam,
): readonly StoredItem[] {
  const start = items.length - answer.length;
  const isEnd = answer.every((item, index) => items[start + index]?.id === item.id);
  if (!isEnd) throw notLast(param);
  return items.slice(0, start);
}

function deliveredOf(old: StoredResponse, tokens: TurnTokens | null): DeliveredAnswer {
  const param = "continue_response";
  const text = old.notes?.["partialText"];
  const isCut = old.status === "cancelled" || old.status === "incomplete";
  if (!isCut || typeof text !== "string" || tokens === null) {
    throw new LociError("invalid_request", `That response is ${old.status}: nothing is left.`, {
      param,
      remedy: "Only an answer that was cut off can be continued.",
    });
  }
  return { ...tokens, text };
}

function notLast(param: ResumeParam): LociError {
  return new LociError("invalid_request", "That response is not its conversation's last.", {
    param,
    remedy: "Branch the conversation after its question instead.",
  });
}
