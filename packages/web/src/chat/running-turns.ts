// Answers that this browser has begun and not yet seen the end of, by conversation: after a reload
// the page takes them up again. Kept in storage, at most a few.

import { readStoredJson, writeStored } from "../page-storage.ts";

const entriesMax = 32;
const name = "running";

/** The response under way in a conversation; null when none is known. */
export function runningResponse(conversationId: string): string | null {
  return readAll().get(conversationId) ?? null;
}

/** Null: it is over. */
export function setRunningResponse(conversationId: string, responseId: string | null): void {
  const all = readAll();
  all.delete(conversationId);
  if (responseId !== null) all.set(conversationId, responseId);
  const newest = [...all].slice(-entriesMax);
  writeStored(name, newest.length === 0 ? null : JSON.stringify(newest));
}

function readAll(): Map<string, string> {
  const stored = readStoredJson(name);
  if (!Array.isArray(stored)) return new Map();
  const entries = stored.flatMap((entry: unknown): [string, string][] => {
    if (!Array.isArray(entry)) return [];
    const [conversationId, responseId]: unknown[] = entry;
    const areTexts = typeof conversationId === "string" && typeof responseId === "string";
    return areTexts ? [[conversationId, responseId]] : [];
  });
  return new Map(entries);
}
