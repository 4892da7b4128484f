// Records for the conformance tests, with defaults for everything a test is not about.

import type { StoredItem, TurnBegin, TurnCommit, TurnTokens } from "../records.ts";

export const startSeconds = 1_800_000_000;

export function messageItem(id: string, text = `text of ${id}`): StoredItem {
  return { id, type: "message", content: { id, type: "message", content: text } };
}

export function turnBegin(id: string, changes: Partial<TurnBegin> = {}): TurnBegin {
  return {
    id,
    createdUnixSeconds: startSeconds,
    status: "in_progress",
    conversation: null,
    previousResponseId: null,
    parameters: { model: "demo", temperature: 0.5 },
    inputItems: [messageItem(`${id}_in`)],
    ...changes,
  };
}

export function turnCommit(id: string, changes: Partial<TurnCommit> = {}): TurnCommit {
  return {
    id,
    status: "completed",
    endedUnixSeconds: startSeconds + 1,
    outputItems: [messageItem(`${id}_out`)],
    usage: { input_tokens: 3, output_tokens: 2 },
    error: null,
    incompleteDetails: null,
    notes: null,
    isHistory: true,
    tokens: null,
    idempotency: null,
    ...changes,
  };
}

export function turnTokens(prompt: readonly number[], answer: readonly number[]): TurnTokens {
  return { promptTokens: Int32Array.from(prompt), answerTokens: Int32Array.from(answer) };
}

/** Numbers from `first` on. */
export function countUp(first: number, length: number): readonly number[] {
  return Array.from({ length }, (_, index) => first + index);
}
