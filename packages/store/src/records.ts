// What the store keeps, as its callers see it. Ids and times come from the caller; every record
// belongs to the tenant it was written for and is not there for any other.

import type { JsonObject } from "./json.ts";

/** One item of a conversation or of a response, as OpenAI's Responses API speaks it. */
export interface StoredItem {
  /** Unique within its conversation, e.g. "msg_…". */
  readonly id: string;
  /** "message", "function_call", "function_call_output", "reasoning", … */
  readonly type: string;
  /** The whole item as the API shows it, `id` and `type` included if the API shows them. */
  readonly content: JsonObject;
}

export interface Conversation {
  /** "conv_…" */
  readonly id: string;
  readonly createdUnixSeconds: number;
  readonly metadata: JsonObject;
  /** Grows with every change of its items: append, removal, a kept turn. */
  readonly version: number;
  readonly itemCount: number;
  /** The response that is queued or in progress on it now: nothing else may change its items. */
  readonly busyResponseId: string | null;
  /** The last response whose turn became history; its tokens are the conversation's tokens. */
  readonly lastResponseId: string | null;
}

/** A conversation as a list shows it. */
export interface ListedConversation extends Conversation {
  /** When its items changed last. */
  readonly updatedUnixSeconds: number;
  /** What its metadata call it, else the beginning of its first message from the user; "": neither. */
  readonly title: string;
}

/** Conversations in pages, those changed last first with `desc`. */
export interface ConversationPageQuery {
  /** Id of the conversation before the page, in the chosen order; null = from the start. */
  readonly after: string | null;
  /** 1 to `conversationPageMax`. */
  readonly limit: number;
  readonly order: "asc" | "desc";
  /**
   * Words that must all occur in the title or text, in any case; null: any conversation. A search
   * looks at the `searchedMax` conversations that come next in the order, and at the first
   * `searchCharsMax` characters of each.
   */
  readonly query: string | null;
}

export interface ConversationPage {
  readonly conversations: readonly ListedConversation[];
  readonly hasMore: boolean;
}

/** A conversation with everything a next turn is built from, read in one transaction. */
export interface ConversationHistory extends Conversation {
  /** Oldest first. */
  readonly items: readonly StoredItem[];
}

/** `queued` and `in_progress` have an owner that works on them; the others are final. */
export type ResponseStatus = OpenStatus | FinalStatus;
export type OpenStatus = "queued" | "in_progress";
export type FinalStatus = "completed" | "incomplete" | "failed" | "cancelled";

export interface StoredResponse {
  /** "resp_…" */
  readonly id: string;
  readonly createdUnixSeconds: number;
  /** When it became final; null before. */
  readonly endedUnixSeconds: number | null;
  readonly status: ResponseStatus;
  readonly conversationId: string | null;
  /** May name a response that was removed since. */
  readonly previousResponseId: string | null;
  /** The request, as far as the API shows it again or needs it for the next turn. */
  readonly parameters: JsonObject;
  /** What this turn added, without the history before it. */
  readonly inputItems: readonly StoredItem[];
  /** Empty while open. */
  readonly outputItems: readonly StoredItem[];
  readonly usage: JsonObject | null;
  readonly error: JsonObject | null;
  /** Why it is incomplete; `{ reason: "interrupted" }` when the server ended in its midst. */
  readonly incompleteDetails: JsonObject | null;
  /** Whatever else the caller wants to know later, e.g. where the prompt left the history. */
  readonly notes: JsonObject | null;
  /** Whether the model may be shown this turn as history. False for every turn cut by a crash. */
  readonly isHistory: boolean;
  /** Null when no tokens were committed. Read them with `responses.readTokens`. */
  readonly tokenCounts: { readonly prompt: number; readonly answer: number } | null;
}

/** The exact token ids of one turn: what the model was fed, whole, and what it answered. */
export interface TurnTokens {
  readonly promptTokens: Int32Array;
  readonly answerTokens: Int32Array;
}

/** The chain of `previousResponseId` that ends in one response. */
export interface ResponseChain {
  /** Oldest first; the last one is the response asked for. */
  readonly responses: readonly StoredResponse[];
  /** The first link that is not there (removed, or never stored); null when the chain is whole. */
  readonly missingId: string | null;
}

/** A turn that begins: written before anything is generated, so that a crash leaves its trace. */
export interface TurnBegin {
  readonly id: string;
  readonly createdUnixSeconds: number;
  readonly status: OpenStatus;
  /** The conversation as it was when the prompt was built; null outside of conversations. */
  readonly conversation: { readonly id: string; readonly version: number } | null;
  readonly previousResponseId: string | null;
  readonly parameters: JsonObject;
  readonly inputItems: readonly StoredItem[];
}

/** A turn that ends, in whatever way. */
export interface TurnCommit {
  readonly id: string;
  readonly status: FinalStatus;
  readonly endedUnixSeconds: number;
  readonly outputItems: readonly StoredItem[];
  readonly usage: JsonObject | null;
  readonly error: JsonObject | null;
  readonly incompleteDetails: JsonObject | null;
  readonly notes: JsonObject | null;
  /**
   * True: input and output items are appended to the conversation and become history. For answers
   * that ended as they should (also at their token limit) or were stopped in their midst; false when
   * the client left, on failure, and where nothing was written.
   */
  readonly isHistory: boolean;
  /** With `isHistory`: items of the conversation that this turn's take the place of. */
  readonly replacesItemIds?: readonly string[];
  /** Null: none are kept, and the next turn has to tokenise the history again. */
  readonly tokens: TurnTokens | null;
  /** Finishes this key in the same transaction; null without `Idempotency-Key`. */
  readonly idempotency: { readonly key: string; readonly reply: StoredReply } | null;
}

/**
 * What became of a change. `done` survives kill -9 and power loss. None of the others has changed
 * anything:
 * - `missing`: the conversation or response is not there (for this tenant);
 * - `busy`: a response is queued or in progress on the conversation;
 * - `stale`: the conversation has another version by now;
 * - `ended`: the response is final already, e.g. cancelled, or told as interrupted by another
 *   machine.
 */
export type ChangeOutcome =
  | { readonly outcome: "done"; readonly conversation: Conversation | null }
  | { readonly outcome: "missing"; readonly what: "conversation" | "response" | "item" }
  | { readonly outcome: "busy"; readonly responseId: string }
  | { readonly outcome: "stale"; readonly version: number }
  | { readonly outcome: "ended"; readonly status: FinalStatus };

/** The exact tokens of a removed turn. */
export interface RemovedTokens {
  readonly tokens: Int32Array;
  /** So many of the first are known to begin a turn that stays, too. */
  readonly sharedTokens: number;
  /** Those of the removed response. */
  readonly notes: JsonObject | null;
}

/** What removed turns leave to be erased elsewhere. */
export interface RemovedLists {
  /** Lists that only begin another removed one with the same notes are left out. */
  readonly tokenLists: readonly RemovedTokens[];
  /** False when there were more tokens than one removal hands back. */
  readonly isTokenListsComplete: boolean;
}

/** Everything that a removal took away, so that cached blocks of it can be erased too. */
export interface Removal extends RemovedLists {
  readonly conversationId: string | null;
  readonly responseIds: readonly string[];
  readonly itemCount: number;
}

/** What a purge took away from one tenant. */
export interface TenantRemoval extends RemovedLists {
  readonly tenant: string;
}

/** Items in pages, as the API's `after`, `limit`, `order`. */
export interface ItemPageQuery {
  /** Id of the item before the page, in the chosen order; null = from the start. */
  readonly after: string | null;
  /** 1 to `itemPageMax`. */
  readonly limit: number;
  /** By position: `asc` is oldest first. */
  readonly order: "asc" | "desc";
}

export interface ItemPage {
  readonly items: readonly StoredItem[];
  readonly hasMore: boolean;
}

/** A turn of chat completions, found again by the content of its messages. */
export interface ChatTurn {
  /** Hash over all messages up to and including the answer, as the caller computes it. */
  readonly key: string;
  /** The turn that it continues; null for a first turn or when that is not known. */
  readonly parentKey: string | null;
  readonly createdUnixSeconds: number;
  readonly tokens: TurnTokens;
}

/** An HTTP answer, kept to be sent again. */
export interface StoredReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface IdempotencyRequest {
  readonly key: string;
  /** Digest of method, path and body; the same key with another digest is a conflict. */
  readonly requestDigest: string;
  readonly createdUnixSeconds: number;
}

/** Answer to the first and to every later request with one `Idempotency-Key`. */
export type IdempotencyClaim =
  /** This caller executes the request, then calls `finish` (or commits with it) or `release`. */
  | { readonly state: "claimed" }
  /** Another request with the key is being executed. */
  | { readonly state: "running" }
  | { readonly state: "finished"; readonly reply: StoredReply }
  /** The key was used with another request. */
  | { readonly state: "conflict" };
