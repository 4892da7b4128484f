// /v1/responses as the page uses them: an answer is generated in the background, so that it goes on
// without the page, and followed as a stream that can be taken up again after any event.

import { openEvents, requestJson } from "./api-client.ts";
import type { ConversationItem, Page, TextPart } from "./conversations-api.ts";

export type ResponseStatus =
  | "queued"
  | "in_progress"
  | "completed"
  | "incomplete"
  | "failed"
  | "cancelled";

export interface ResponseUsage {
  readonly input_tokens: number;
  readonly input_tokens_details: { readonly cached_tokens: number };
  readonly output_tokens: number;
}

export interface ResponseObject {
  readonly id: string;
  readonly status: ResponseStatus;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly incomplete_details: { readonly reason: string } | null;
  readonly output: readonly ConversationItem[];
  readonly usage: ResponseUsage | null;
}

/** An event of the stream; the fields depend on its type. */
export interface ResponseEvent {
  readonly type: string;
  readonly sequence_number: number;
  readonly item_id?: string;
  readonly delta?: string;
  readonly response?: ResponseObject;
  readonly item?: ConversationItem;
}

export type TextFormat =
  | { readonly type: "text" }
  | { readonly type: "json_object" }
  | {
      readonly type: "json_schema";
      readonly name: string;
      readonly strict: boolean;
      readonly schema: object;
    };

/** What decides how an answer is sampled. */
export interface SamplingFields {
  readonly instructions?: string;
  readonly temperature?: number;
  readonly top_p?: number;
  readonly max_output_tokens?: number;
  readonly seed?: number;
  readonly text?: { readonly format: TextFormat };
}

export interface TurnBody extends SamplingFields {
  readonly conversation?: string;
  readonly input?: readonly {
    readonly type: "message";
    readonly role: "user";
    readonly content: readonly TextPart[];
  }[];
  /** The conversation's last response goes on where it stopped. */
  readonly continue_response?: string;
  /** The conversation's last response is answered anew. */
  readonly regenerate_response?: string;
}

export interface Following {
  readonly signal: AbortSignal;
  readonly onEvent: (event: ResponseEvent) => void;
}

const root = "/v1/responses";

/** Begins a turn and follows it to its end. */
export function startResponse(body: TurnBody, following: Following): Promise<void> {
  const { signal } = following;
  return openEvents(root, {
    method: "POST",
    body: { ...body, stream: true, background: true },
    signal,
    onEvent: reader(following),
  });
}

/** Follows a turn from the event after number `after` on; null: from its beginning. */
export function followResponse(
  id: string,
  after: number | null,
  following: Following,
): Promise<void> {
  const from = after === null ? "" : `&starting_after=${after}`;
  return openEvents(`${root}/${id}?stream=true${from}`, {
    signal: following.signal,
    onEvent: reader(following),
  });
}

export function cancelResponse(id: string): Promise<ResponseObject> {
  return requestJson(`${root}/${id}/cancel`, { method: "POST", body: {} });
}

/** What a turn was asked. */
export function readInputItems(id: string, signal: AbortSignal): Promise<Page<ConversationItem>> {
  return requestJson(`${root}/${id}/input_items?order=asc&limit=100`, { signal });
}

function reader({ onEvent }: Following): (event: { readonly data: string }) => void {
  return ({ data }) => {
    const event: ResponseEvent = JSON.parse(data);
    onEvent(event);
  };
}
