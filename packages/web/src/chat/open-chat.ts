// A conversation that is open on the page, whoever keeps it.

import type { ReadonlySignal, Signal } from "@preact/signals";
import type { ApiError } from "../api/api-error.ts";
import type { Conversation } from "../api/conversations-api.ts";
import type { Attachment } from "./attachment.ts";
import type { GrowingText } from "./growing-text.ts";
import type { Turn } from "./turn.ts";

export interface Draft {
  readonly text: string;
  readonly attachments: readonly Attachment[];
}

export const emptyDraft: Draft = { text: "", attachments: [] };

export type LoadState =
  | { readonly kind: "loading" }
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly error: ApiError };

export type AnswerPhase = "sending" | "waiting" | "writing" | "reconnecting";

/** An answer on its way. */
export interface GrowingAnswer {
  readonly text: GrowingText;
  readonly phase: ReadonlySignal<AnswerPhase>;
}

export interface OpenChat {
  /** Null: the server has none yet, or keeps none. */
  readonly id: string | null;
  readonly draft: Signal<Draft>;
  /** Oldest first; without the answer under way. */
  readonly turns: ReadonlySignal<readonly Turn[]>;
  readonly loadState: ReadonlySignal<LoadState>;
  /** The answer under way; null when there is none. */
  readonly answer: ReadonlySignal<GrowingAnswer | null>;
  /** What went wrong last. */
  readonly failure: ReadonlySignal<ApiError | null>;
  /** Null before its first message, or when nobody keeps it. */
  readonly conversation: ReadonlySignal<Conversation | null>;
  readonly hasEarlier: ReadonlySignal<boolean>;
  /** The last answer can be given anew. */
  readonly canRegenerate: ReadonlySignal<boolean>;
  /** The last answer stopped before its end and can go on. */
  readonly canContinue: ReadonlySignal<boolean>;

  /** Reads it from the server and takes up an answer under way. */
  open(): Promise<void>;
  loadEarlier(): Promise<void>;
  /** Sends the draft; nothing happens while an answer is under way, or when it is empty. */
  send(): Promise<void>;
  regenerate(): Promise<void>;
  continueAnswer(): Promise<void>;
  /** Ends the answer under way; what was written stays. */
  stop(): Promise<void>;
  dismissFailure(): void;
  /** Its title or metadata changed. */
  setConversation(conversation: Conversation): void;
  /** Nobody looks at it any more. */
  close(): void;
}

export function isEmptyDraft({ text, attachments }: Draft): boolean {
  return text.trim() === "" && attachments.length === 0;
}
