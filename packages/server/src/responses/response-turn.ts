// The life of one turn: begun durably, generated, kept, and only then acknowledged. However it ends
// (client gone, cancelled, failed, server stopped) one commit says so, and what was cut off never
// becomes history.
//
//   begin ──► events … ──► commit ──► last event
//     │          └─ cut off ──► commit as incomplete, cancelled or failed
//     └─ crash: the store tells the begun turn as interrupted

import { assert, LociError, toLociError } from "@loci/core";
import type { FinalStatus, JsonObject, StoredItem, TurnCommit } from "@loci/store";
import type { FastifyBaseLogger } from "fastify";
import { runGenerations } from "../generation-run.ts";
import { jsonReply, type KeyClaim } from "../idempotency/key-claim.ts";
import type { ServerContext } from "../server-context.ts";
import { wholeTurn } from "../conversation/chat-recall.ts";
import { EventLog } from "./event-log.ts";
import type { TurnTrace } from "./live-turns.ts";
import type { PreparedResponse } from "./prepare-response.ts";
import { ResponseAnswer, type ResponseEvent } from "./response-answer.ts";
import {
  openState,
  responseError,
  responseObject,
  textField,
  turnNotes,
} from "./response-object.ts";
import type { ResponseState } from "./response-object.ts";

export interface TurnOptions {
  readonly context: ServerContext;
  readonly tenant: string;
  readonly prepared: PreparedResponse;
  /** Aborts when whoever waits for the answer is gone. */
  readonly signal: AbortSignal;
  /** Aborts the turn on request. */
  readonly cancel: AbortController;
  readonly claim: KeyClaim | null;
  readonly isStored: boolean;
  readonly isBackground: boolean;
  readonly withTokenIds: boolean;
  readonly requestId: string;
  readonly log: FastifyBaseLogger;
}

/** How a turn ended. */
interface TurnEnd {
  readonly status: FinalStatus;
  readonly isHistory: boolean;
  readonly error: LociError | null;
  readonly incompleteReason: string | null;
}

export class ResponseTurn {
  readonly #options: TurnOptions;
  readonly #answer: ResponseAnswer;
  readonly #ended = Promise.withResolvers<void>();
  #state: ResponseState;
  #isKept = false;
  #failure: LociError | null = null;

  /** Register it in `LiveTurns` and iterate `events` to its end, or call its `return`. */
  constructor(options: TurnOptions) {
    const { context, prepared } = options;
    this.#options = options;
    const { delivered = null } = prepared.resumption ?? {};
    this.#answer = new ResponseAnswer({ ...prepared, delivered, entropy: context.entropy });
    this.#state = openState(options.isBackground ? "queued" : "in_progress");
    if (!options.isStored) return;
    context.turns.add(this.id, {
      signal: AbortSignal.any([options.signal, options.cancel.signal]),
      ended: this.#ended.promise,
      retry: () => this.#retry(),
      trace: () => this.#trace(),
      cancel: () => options.cancel.abort(new LociError("cancelled", "Cancelled on request.")),
      log: options.isBackground ? new EventLog() : null,
    });
  }

  get id(): string {
    return this.#options.prepared.facts.id;
  }

  /** Why it failed or was cut off; null while it runs and after a good end. */
  get failure(): LociError | null {
    return this.#failure;
  }

  /** The response as it is now; final once `events` has ended. */
  response(): JsonObject {
    return this.#shown(this.#state);
  }

  #shown(state: ResponseState): JsonObject {
    const { prepared, withTokenIds } = this.#options;
    const shown = responseObject(prepared.facts, state);
    if (!withTokenIds || state.endedUnixSeconds === null) return shown;
    const prompt_token_ids = [...prepared.request.promptTokens];
    return { ...shown, prompt_token_ids, token_ids: [...this.#answer.tokenIds] };
  }

  /** Runs the turn whether anybody follows its log or not; calls `done` at the end. */
  runInBackground(done: () => void): EventLog {
    const log = this.#options.context.turns.log(this.id);
    assert(log !== null, "a background turn has a log");
    const run = async (): Promise<void> => {
      for await (const event of this.events()) log.append(event);
    };
    void run().finally(() => {
      log.end();
      done();
    });
    return log;
  }

  /**
   * Runs the turn. Throws only before the first event: what fails later is told by the last one. A
   * turn that is left by its reader is kept as incomplete.
   */
  async *events(): AsyncGenerator<ResponseEvent> {
    const { context, prepared, signal, cancel, isBackground, requestId } = this.#options;
    let end: TurnEnd | null = null;
    try {
      if (isBackground) yield* this.#answer.queued();
      const run = { ...context, endpoint: "responses" as const, requestId };
      const either = AbortSignal.any([signal, cancel.signal]);
      for await (const event of runGenerations(run, [prepared.request], either)) {
        if (event.event.type === "started") await this.#start();
        const events = this.#answer.accept(event);
        if (event.event.type === "finished") end = this.#finishedEnd();
        yield* events;
      }
      assert(end !== null, "a generation ends with its last event");
      await this.#keep(end);
    } catch (thrown) {
      const error = toLociError(thrown);
      if (error.code === "internal") this.#options.log.error({ err: error.cause }, "a turn failed");
      this.#failure = error;
      end = this.#failedEnd(error);
      await this.#keepQuietly(end);
      if (!this.#answer.started && !isBackground) throw error;
    } finally {
      // Left by its reader between two events.
      if (end === null || !this.#isOver) await this.#keepQuietly(interrupted);
      this.#settle();
    }
    yield this.#answer.ended(this.#shown(this.#state));
  }

  get #isOver(): boolean {
    return this.#state.endedUnixSeconds !== null;
  }

  async #start(): Promise<void> {
    const { context, tenant, isBackground } = this.#options;
    if (this.#state.status === "in_progress") return;
    this.#state = openState("in_progress");
    if (!isBackground) return;
    const outcome = await context.requireStore().turns.start(tenant, this.id);
    if (outcome.outcome !== "done") throw goneMeanwhile();
  }

  /** At its token limit an answer is complete as far as the client asked for it. */
  #finishedEnd(): TurnEnd {
    const isCut = this.#answer.finishReason === "length";
    return {
      status: isCut ? "incomplete" : "completed",
      isHistory: true,
      error: null,
      incompleteReason: isCut ? "max_output_tokens" : null,
    };
  }

  #failedEnd(error: LociError): TurnEnd {
    if (this.#options.cancel.signal.aborted) {
      return { ...cancelled, isHistory: this.#isWorthKeeping };
    }
    if (this.#options.signal.aborted) return interrupted;
    return { status: "failed", isHistory: false, error, incompleteReason: null };
  }

  /** What was written before a turn was cancelled stays in its conversation. */
  get #isWorthKeeping(): boolean {
    const isInConversation = this.#options.prepared.facts.conversationId !== null;
    return isInConversation && this.#answer.certainText !== "";
  }

  /** Resolves when the end is durable. Throws when it is not. */
  async #keep(end: TurnEnd): Promise<void> {
    const { context, tenant, isStored, claim, isBackground } = this.#options;
    const state = this.#endState(end);
    if (isStored) {
      const commit = this.#commitOf(end, state);
      const { outcome } = await context.requireStore().turns.commit(tenant, commit);
      if (outcome !== "done") throw goneMeanwhile();
      this.#isKept = true;
      if (end.isHistory && !isBackground) claim?.committed();
    }
    this.#state = state;
    if (!isStored && end.isHistory) await claim?.finish(jsonReply(this.#shown(state)));
  }

  /** The end of a turn that nobody waits for any more, or whose failure was told already. */
  async #keepQuietly(end: TurnEnd): Promise<void> {
    try {
      await this.#keep(end);
    } catch (error) {
      this.#options.log.warn({ err: error, responseId: this.id }, "a turn's end was not kept");
      this.#state = this.#endState(end);
      const { code } = toLociError(error);
      // Removed or ended elsewhere: there is nothing left to keep.
      if (code === "not_found") this.#isKept = true;
    }
  }

  #commitOf(end: TurnEnd, state: ResponseState): TurnCommit {
    const { prepared, claim, isBackground, context } = this.#options;
    const promptTokens = prepared.request.promptTokens;
    const withReply = claim !== null && end.isHistory && !isBackground;
    return {
      id: this.id,
      status: end.status,
      endedUnixSeconds: state.endedUnixSeconds ?? context.clock.unixSeconds(),
      outputItems: state.output.map(asItem),
      usage: state.usage,
      error: state.error,
      incompleteDetails: state.incompleteDetails,
      notes: state.notes,
      isHistory: end.isHistory,
      replacesItemIds: prepared.resumption?.replacesItemIds ?? [],
      // Of a turn cut off, too: what the cache has of it is erased with it.
      tokens: this.#answer.started ? { promptTokens, answerTokens: this.#answerTokens() } : null,
      idempotency: withReply ? { key: claim.key, reply: jsonReply(this.#shown(state)) } : null,
    };
  }

  #endState(end: TurnEnd): ResponseState {
    const { context, prepared, requestId, tenant } = this.#options;
    const { error, incompleteReason, status } = end;
    return {
      status,
      endedUnixSeconds: context.clock.unixSeconds(),
      usage: this.#answer.started ? this.#answer.usage : null,
      error: error === null ? null : responseError(error, requestId),
      incompleteDetails: incompleteReason === null ? null : { reason: incompleteReason },
      notes: turnNotes({
        fork: prepared.prompt.fork,
        tenant,
        cacheOwner: prepared.request.tenant,
        partialText: isCutOff(end) ? this.#answer.certainText : null,
      }),
      output: this.#answer.output,
    };
  }

  #trace(): TurnTrace {
    const { prompt, request } = this.#options.prepared;
    const turn = { promptTokens: request.promptTokens, answerTokens: this.#answerTokens() };
    return { owner: request.tenant, tokens: wholeTurn(turn), sharedTokens: prompt.keptTokens };
  }

  #answerTokens(): Int32Array {
    return Int32Array.from(this.#answer.tokenIds);
  }

  #settle(): void {
    const { context, isStored } = this.#options;
    if (isStored) context.turns.settle(this.id, this.#isKept);
    this.#ended.resolve();
  }

  /** Whatever could not be kept was not acknowledged either. */
  async #retry(): Promise<void> {
    await this.#keepQuietly(interrupted);
    if (this.#isKept) this.#settle();
  }
}

const interrupted: TurnEnd = {
  status: "incomplete",
  isHistory: false,
  error: null,
  incompleteReason: "interrupted",
};

const cancelled: TurnEnd = {
  status: "cancelled",
  isHistory: false,
  error: null,
  incompleteReason: null,
};

/** It is part of its conversation, and could go on. */
function isCutOff({ status, isHistory }: TurnEnd): boolean {
  return isHistory && (status === "cancelled" || status === "incomplete");
}

function asItem(content: JsonObject): StoredItem {
  return { id: textField(content, "id"), type: textField(content, "type"), content };
}

function goneMeanwhile(): LociError {
  return new LociError("not_found", "The response was deleted or ended before it was complete.");
}
