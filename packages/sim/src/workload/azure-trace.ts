// Traces as published with Azure's LLM inference data set of 2023: a header and lines of
//
//   TIMESTAMP,ContextTokens,GeneratedTokens        2023-11-16 18:17:03.9799600,4808,10
//
// There is no content: nobody shares a prefix.

import { badLine, boundedLines } from "./bounded-text.ts";
import type { TextLine } from "./bounded-text.ts";
import { uniquePrompt } from "./prompt-tokens.ts";
import { scaled } from "./trace-options.ts";
import type { TraceOptions } from "./trace-options.ts";
import type { SimRequest } from "./sim-request.ts";

const header = "TIMESTAMP,ContextTokens,GeneratedTokens";
const linePattern =
  /^(\d{4})-(\d{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?,(\d{1,8}),(\d{1,8})$/u;

/** The requests of a trace, in order of time. Throws `invalid_request` with the line at fault. */
export function parseAzureTrace(
  name: string,
  text: string,
  { promptDivisor = 1, answerDivisor = 1 }: TraceOptions = {},
): SimRequest[] {
  const requests: SimRequest[] = [];
  let startMs: number | null = null;
  let beforeMs = -Infinity;
  let hasHeader = false;
  for (const line of boundedLines(name, text)) {
    if (!hasHeader) {
      if (line.text !== header) throw badLine(line.where, `the first line is not ${header}`);
      hasHeader = true;
      continue;
    }
    const fields = parseFields(line);
    startMs ??= fields.timeMs;
    if (fields.timeMs < beforeMs) throw badLine(line.where, "time steps back");
    beforeMs = fields.timeMs;
    const promptTokens = scaled(fields.promptTokens, promptDivisor);
    requests.push({
      arrivalMs: fields.timeMs - startMs,
      prompt: uniquePrompt(requests.length, promptTokens),
      answerTokens: scaled(fields.answerTokens, answerDivisor),
      maxTokens: null,
      ignoresEnd: false,
      tenant: "trace",
      userText: null,
      cancelAfterMs: null,
    });
  }
  if (requests.length === 0) throw badLine(name, "no request");
  return requests;
}

interface Fields {
  readonly timeMs: number;
  readonly promptTokens: number;
  readonly answerTokens: number;
}

function parseFields({ text, where }: TextLine): Fields {
  const match = linePattern.exec(text);
  if (match === null) throw badLine(where, `not ${header}`);
  const number = (group: number): number => Number(match[group] ?? 0);
  const [month, day, hour, minute, second] = [2, 3, 4, 5, 6].map((group) => number(group));
  const isDate = inRange(month, 1, 12) && inRange(day, 1, 31);
  const isTime = inRange(hour, 0, 23) && inRange(minute, 0, 59) && inRange(second, 0, 60);
  if (!isDate || !isTime) throw badLine(where, "no such time");
  const days = dayNumber(number(1), month, day);
  const seconds = ((days * 24 + hour) * 60 + minute) * 60 + second + number(7);
  const promptTokens = number(8);
  if (promptTokens < 1) throw badLine(where, "the prompt is empty");
  return { timeMs: seconds * 1000, promptTokens, answerTokens: number(9) };
}

function inRange(value: number | undefined, low: number, high: number): value is number {
  return value !== undefined && value >= low && value <= high;
}

/** Days since a fixed one, by the Gregorian calendar; years start in March. */
function dayNumber(year: number, month: number, day: number): number {
  const shifted = month > 2 ? year : year - 1;
  const leaps = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400);
  const inYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day;
  return shifted * 365 + leaps + inYear;
}
