// From a request to a begun turn. The store decides whose turn it is on a conversation; a turn whose
// client has left is waited for, so that whoever hangs up can speak again at once, and finds the
// conversation as its last complete turn left it.

import { LociError } from "@loci/core";
import type { ChangeOutcome, TurnBegin } from "@loci/store";
import type { FastifyBaseLogger } from "fastify";
import { historyOutcome } from "../conversation/continue-prompt.ts";
import type { KeyClaim } from "../idempotency/key-claim.ts";
import { endUncertainTurn, isStorageLost } from "./end-turn.ts";
import {
  isStored,
  prepareResponse,
  requirePossible,
  type PreparedResponse,
  type ResponseAsk,
} from "./prepare-response.ts";
import { askedResumption, readResumed } from "./resumption.ts";
import { ResponseTurn } from "./response-turn.ts";
import {
  hasHistory,
  noHistory,
  noSuchConversation,
  readTurnHistory,
  type TurnHistory,
} from "./turn-history.ts";

/** How often a turn is prepared anew when the conversation changed meanwhile. */
const attemptsMax = 4;

export interface TurnAsk extends ResponseAsk {
  /** Aborts when the client has left. */
  readonly signal: AbortSignal;
  readonly claim: KeyClaim | null;
  readonly requestId: string;
  readonly log: FastifyBaseLogger;
}

/** Resolves when the turn is begun durably. Throws LociError; nothing was begun then. */
export async function beginTurn(ask: TurnAsk): Promise<ResponseTurn> {
  requirePossible(ask);
  const { body, context } = ask;
  // Before anything is computed for it.
  if (isStored(body)) {
    context.requireStore();
    context.turns.requireKept();
  }
  if (body.background === true) context.turns.requireRoom();
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const history = await historyOf(ask);
    const tried = await tryTurn(ask, history);
    if (tried instanceof ResponseTurn) return tried;
    const hasEnded = tried === null || (await context.turns.hasEnded(tried));
    // The first time it may have ended between two looks.
    if (!hasEnded && attempt > 0) break;
  }
  throw new LociError("conversation_busy", "Another turn of this conversation is under way.", {
    remedy: "Wait until it is complete, or begin a conversation of its own.",
    param: "conversation",
  });
}

/** What a turn of this request would continue. */
export function historyOf({ context, tenant, body }: ResponseAsk): Promise<TurnHistory> {
  const asked = askedResumption(body);
  if (asked !== null) return readResumed(context.requireStore(), tenant, asked, body);
  if (!hasHistory(body)) return Promise.resolve(noHistory);
  return readTurnHistory(context.requireStore(), tenant, body);
}

/** The turn; or the id of the one that is in the way; or null when the conversation changed. */
async function tryTurn(ask: TurnAsk, history: TurnHistory): Promise<ResponseTurn | string | null> {
  const { busyResponseId } = history;
  // One that is not ours may belong to a machine that died: only the store knows.
  if (busyResponseId !== null) {
    const isOurs = ask.context.turns.get(busyResponseId) !== null;
    if (isOurs || askedResumption(ask.body) !== null) return busyResponseId;
  }
  const prepared = await prepareResponse(ask, history);
  if (!isStored(ask.body)) return newTurn(ask, prepared);
  const { facts, inputItems } = prepared;
  const outcome = await beginDurably(ask, {
    id: facts.id,
    createdUnixSeconds: facts.createdUnixSeconds,
    status: ask.body.background === true ? "queued" : "in_progress",
    conversation: history.conversation,
    previousResponseId: facts.previousResponseId,
    parameters: facts.parameters,
    inputItems,
  });
  switch (outcome.outcome) {
    case "done":
      return newTurn(ask, prepared);
    case "busy":
      return outcome.responseId;
    case "missing":
      throw noSuchConversation("conversation");
    case "stale":
    case "ended":
    default:
      return null;
  }
}

async function beginDurably(ask: TurnAsk, begin: TurnBegin): Promise<ChangeOutcome> {
  const { context, tenant, log } = ask;
  try {
    return await context.requireStore().turns.begin(tenant, begin);
  } catch (error) {
    if (isStorageLost(error)) {
      endUncertainTurn(context, { tenant, id: begin.id }).catch((failure: unknown) => {
        log.warn({ err: failure, responseId: begin.id }, "a turn's begin stayed uncertain");
      });
    }
    throw error;
  }
}

function newTurn(ask: TurnAsk, prepared: PreparedResponse): ResponseTurn {
  const { body, context } = ask;
  const { prompt } = prepared;
  context.metrics.history("responses", historyOutcome(prompt), prompt.keptTokens);
  return new ResponseTurn({
    ...ask,
    prepared,
    cancel: new AbortController(),
    isStored: isStored(body),
    isBackground: body.background ?? false,
    withTokenIds: body.return_token_ids ?? false,
  });
}
