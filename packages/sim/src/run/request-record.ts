// What happened to each request of a run: the raw material of every figure.

export type RequestEnd = "finished" | "length" | "cancelled" | "refused" | "failed" | "unfinished";

/** Times in virtual milliseconds since the start of the run; null = it never came to that. */
export interface RequestRecord {
  readonly index: number;
  /** When it should have been submitted, and was. */
  readonly arrivalMs: number;
  readonly promptTokens: number;
  startedMs: number | null;
  firstTokenMs: number | null;
  endedMs: number | null;
  /** The longest time between two of its tokens; 0 while there are none. */
  longestPauseMs: number;
  cachedTokens: number;
  answerTokens: number;
  end: RequestEnd;
}

export function newRecord(index: number, arrivalMs: number, promptTokens: number): RequestRecord {
  return {
    index,
    arrivalMs,
    promptTokens,
    startedMs: null,
    firstTokenMs: null,
    endedMs: null,
    longestPauseMs: 0,
    cachedTokens: 0,
    answerTokens: 0,
    end: "unfinished",
  };
}

/** One JSON object per line, in order of submission. */
export function recordLines(records: readonly RequestRecord[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join("");
}
