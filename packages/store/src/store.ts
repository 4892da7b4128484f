// The interfaces of the durable store. One idea: every method is one transaction, and its promise
// resolves only after that transaction survives kill -9 and power loss.
//
// All methods throw LociError: `storage_full` (no room; works again once there is), `storage_corrupt`
// (the row is damaged: refused, never served), `storage_unavailable` (the database cannot be
// reached, is too slow, or the store is closed), `storage_quota_exceeded` (a tenant's bound),
// `invalid_request` (a text, list or JSON over its bound in limits.ts, an id used twice).

import type { Clock, ErasureLog } from "@loci/core";

import type {
  ChangeOutcome,
  ChatTurn,
  Conversation,
  ConversationHistory,
  ConversationPage,
  ConversationPageQuery,
  IdempotencyClaim,
  IdempotencyRequest,
  ItemPage,
  ItemPageQuery,
  ListedConversation,
  Removal,
  ResponseChain,
  StoredItem,
  StoredReply,
  StoredResponse,
  TenantRemoval,
  TurnBegin,
  TurnCommit,
  TurnTokens,
} from "./records.ts";
import type { JsonObject } from "./json.ts";

/** Conversations themselves. Another tenant's id is not there. */
export interface ConversationStore {
  /** @throws LociError `invalid_request` when the id exists already, or an item id twice */
  create(tenant: string, conversation: NewConversation): Promise<Conversation>;
  read(tenant: string, id: string): Promise<Conversation | null>;
  /** As `list` shows it. */
  readListed(tenant: string, id: string): Promise<ListedConversation | null>;
  /** Null: the conversation named by `after` is not there. */
  list(tenant: string, query: ConversationPageQuery): Promise<ConversationPage | null>;
  /**
   * A new conversation with the items of another one up to `afterItemId`; it also begins with the
   * tokens of the last turn that lies within. Null: that conversation or item is not there.
   * @throws LociError `invalid_request` when the id exists already
   */
  branch(tenant: string, branch: NewBranch): Promise<Conversation | null>;
  /** The conversation and all of its items, as of one moment. */
  readHistory(tenant: string, id: string): Promise<ConversationHistory | null>;
  /** Replaces the metadata; not a change of items, so the version stays. */
  updateMetadata(tenant: string, id: string, metadata: JsonObject): Promise<Conversation | null>;
  /** Takes away the conversation, its items, its responses and their tokens. Null: not there. */
  remove(tenant: string, id: string): Promise<Removal | null>;
}

export interface NewConversation {
  readonly id: string;
  readonly createdUnixSeconds: number;
  readonly metadata: JsonObject;
  readonly items: readonly StoredItem[];
}

export interface NewBranch {
  readonly id: string;
  readonly fromId: string;
  /** The last item it has in common with the other one; null: none. */
  readonly afterItemId: string | null;
  readonly createdUnixSeconds: number;
  /** Null: those of the other one. */
  readonly metadata: JsonObject | null;
}

/** Items of conversations, outside of turns. */
export interface ItemStore {
  /** Appends in the given order. Outcomes: done, missing, busy. */
  append(
    tenant: string,
    conversationId: string,
    items: readonly StoredItem[],
  ): Promise<ChangeOutcome>;
  /** Null: the conversation, or the item named by `after`, is not there. */
  list(tenant: string, conversationId: string, query: ItemPageQuery): Promise<ItemPage | null>;
  read(tenant: string, conversationId: string, itemId: string): Promise<StoredItem | null>;
  /** Outcomes: done, missing, busy. */
  remove(tenant: string, conversationId: string, itemId: string): Promise<ChangeOutcome>;
}

/** A turn's life: begun, perhaps started later, committed once. */
export interface TurnStore {
  /** Outcomes: done, missing (the conversation), busy, stale. */
  begin(tenant: string, turn: TurnBegin): Promise<ChangeOutcome>;
  /** A queued turn is in progress now. Outcomes: done, missing, ended. */
  start(tenant: string, responseId: string): Promise<ChangeOutcome>;
  /** Response, items, tokens and idempotency key at once. Outcomes: done, missing, ended. */
  commit(tenant: string, turn: TurnCommit): Promise<ChangeOutcome>;
}

/** Responses, open or final. */
export interface ResponseStore {
  read(tenant: string, id: string): Promise<StoredResponse | null>;
  /** Follows `previousResponseId` back to the first turn. Null: the response is not there. */
  readChain(tenant: string, id: string): Promise<ResponseChain | null>;
  /** Null: the response is not there, or no tokens were committed with it. */
  readTokens(tenant: string, id: string): Promise<TurnTokens | null>;
  /** Also of an open one, whose commit will then find it `missing`. Null: not there. */
  remove(tenant: string, id: string): Promise<Removal | null>;
}

/** Turns of chat completions; at most `chatTurnsMax` per tenant, the oldest go first. */
export interface ChatTurnStore {
  /**
   * Remembers a turn; one whose key is known already stays as it is. Token ids belong to a model, so
   * the key should too.
   */
  remember(tenant: string, turn: ChatTurn): Promise<void>;
  /** The turn of the first of these keys that is known; so give the longest history first. */
  find(tenant: string, keys: readonly string[]): Promise<ChatTurn | null>;
  /** How many there were to forget. */
  forget(tenant: string, keys: readonly string[]): Promise<number>;
}

/** Requests with an `Idempotency-Key`; kept at least `idempotencySecondsMin`, then purged. */
export interface IdempotencyStore {
  /** A claim whose owner died (crash, lost machine) is given to the next caller. */
  claim(tenant: string, request: IdempotencyRequest): Promise<IdempotencyClaim>;
  /**
   * False: the key is not claimed (any more). A reply that tells a response is removed with it, if
   * `responseId` names it.
   */
  finish(
    tenant: string,
    key: string,
    reply: StoredReply,
    responseId?: string | null,
  ): Promise<boolean>;
  /** Gives up a claim that was not finished, so that the key can be used again. */
  release(tenant: string, key: string): Promise<void>;
}

export interface PurgeCutoffs {
  /** The time now: idempotency keys older than `idempotencySecondsMin` before it go. */
  readonly nowUnixSeconds: number;
  /** Responses outside of conversations created before this go; null = none. */
  readonly responsesBeforeUnixSeconds: number | null;
}

export interface PurgeCounts {
  readonly idempotencyKeys: number;
  readonly responses: number;
  /** What they leave to be erased elsewhere. */
  readonly removals: readonly TenantRemoval[];
  /** Turns of owners that died, told as incomplete from now on. */
  readonly interruptedTurns: number;
  /** Not met for `erasingWorkerSecondsMax`: what they have yet to erase is given up. */
  readonly lostWorkers: readonly string[];
}

/** Everything durable, on one database. */
export interface Store {
  readonly conversations: ConversationStore;
  readonly items: ItemStore;
  readonly turns: TurnStore;
  readonly responses: ResponseStore;
  readonly chatTurns: ChatTurnStore;
  readonly idempotency: IdempotencyStore;
  /** What workers that are away have yet to erase. */
  readonly erasures: ErasureLog;
  /** Deletes what is past its time, a bounded batch per call. Call it now and then. */
  purge(cutoffs: PurgeCutoffs): Promise<PurgeCounts>;
  /** Reads everything and throws `storage_corrupt` at the first damage. Slow; for `doctor`. */
  checkIntegrity(): Promise<void>;
  /** Waits for what is under way. Later calls are refused with `storage_unavailable`. */
  close(): Promise<void>;
}

/** For `openStore(url, options)`. */
export interface StoreOptions {
  /** For time stamps of changes and interrupted turns, and for reconnecting. Default: the machine's. */
  readonly clock?: Clock;
  /** SQLite: most 4 KiB pages the file may grow to. Default `sqlitePagesMax`. */
  readonly sqlitePagesMax?: number;
  /** PostgreSQL: most connections of this process. Default 8. */
  readonly connectionsMax?: number;
  /** PostgreSQL: a statement is given up after this time. Default 10,000. */
  readonly statementTimeoutMs?: number;
}
