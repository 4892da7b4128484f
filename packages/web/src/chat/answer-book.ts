// What this browser has seen of answers: which response an item came from and what it cost. Kept
// over reloads, the newest few hundred.

import { readStoredJson, writeStored } from "../page-storage.ts";
import type { AnswerFacts } from "./turn.ts";

const entriesMax = 300;
const name = "answers";

export class AnswerBook {
  /** By item, oldest first. */
  readonly #facts: Map<string, AnswerFacts>;

  constructor() {
    this.#facts = new Map(readEntries(readStoredJson(name)));
  }

  get(itemId: string): AnswerFacts | null {
    return this.#facts.get(itemId) ?? null;
  }

  set(itemId: string, facts: AnswerFacts): void {
    this.#facts.delete(itemId);
    this.#facts.set(itemId, facts);
    while (this.#facts.size > entriesMax) {
      const [oldest = ""] = this.#facts.keys();
      this.#facts.delete(oldest);
    }
    writeStored(name, JSON.stringify([...this.#facts]));
  }
}

function readEntries(stored: unknown): [string, AnswerFacts][] {
  if (!Array.isArray(stored)) return [];
  return stored.slice(-entriesMax).flatMap((entry: unknown): [string, AnswerFacts][] => {
    if (!Array.isArray(entry)) return [];
    const [itemId, facts]: unknown[] = entry;
    return typeof itemId === "string" && isFacts(facts) ? [[itemId, facts]] : [];
  });
}

function isFacts(value: unknown): value is AnswerFacts {
  if (typeof value !== "object" || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  const counts = ["promptTokens", "cachedTokens", "generatedTokens"];
  const measures = ["firstTextMs", "tokensPerSecond"];
  const isNumber = (field: string): boolean => typeof fields.get(field) === "number";
  return (
    typeof fields.get("responseId") === "string" &&
    counts.every(isNumber) &&
    measures.every((field) => fields.get(field) === null || isNumber(field))
  );
}
