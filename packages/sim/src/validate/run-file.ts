// A run on a real machine, as a file: what the server was, what its steps cost, and what happened to
// each request. Everything that the simulator needs to do it again.

import { LociError } from "@loci/core";
import { admissionNames, engineDefaults, schedulingNames } from "@loci/engine";
import type { EngineOptions, RunnerLimits } from "@loci/engine";
import { parseCoefficients } from "../cost/fitted-cost.ts";
import type { FittedCoefficients } from "../cost/fitted-cost.ts";
import { newRecord } from "../run/request-record.ts";
import type { RequestRecord } from "../run/request-record.ts";

export interface RecordedRun {
  readonly name: string;
  readonly limits: RunnerLimits;
  readonly options: Pick<EngineOptions, "sequencesMax" | "admission" | "scheduling">;
  readonly coefficients: FittedCoefficients;
  readonly records: readonly RequestRecord[];
}

const recordsMax = 1_000_000;
const countMax = 0x7fffffff;
const timeMsMax = 1e12;

export function formatRun(run: RecordedRun): string {
  return `${JSON.stringify(run)}\n`;
}

/** Throws LociError `invalid_request` with the field at fault. */
export function parseRun(text: string): RecordedRun {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new LociError("invalid_request", "The run is not JSON.", { cause: error });
  }
  const run = objectOf(value, "The run");
  const limits = objectOf(Reflect.get(run, "limits"), "limits");
  const options = objectOf(Reflect.get(run, "options"), "options");
  const list: unknown = Reflect.get(run, "records");
  if (!Array.isArray(list) || list.length < 1 || list.length > recordsMax) {
    throw refused(`records is no list of 1 to ${recordsMax}`);
  }
  const name: unknown = Reflect.get(run, "name");
  return {
    name: typeof name === "string" ? name.slice(0, 200) : "a recorded run",
    limits: {
      blockTokens: countOf(limits, "blockTokens", 1),
      blockCount: countOf(limits, "blockCount", 1),
      contextTokensMax: countOf(limits, "contextTokensMax", 2),
      vocabularySize: countOf(limits, "vocabularySize", 2),
      stepTokensMax: countOf(limits, "stepTokensMax", 1),
      stepSlicesMax: countOf(limits, "stepSlicesMax", 1),
    },
    options: {
      sequencesMax: countOf(options, "sequencesMax", 1),
      admission: wordOf(options, "admission", admissionNames) ?? engineDefaults.admission,
      scheduling: wordOf(options, "scheduling", schedulingNames) ?? engineDefaults.scheduling,
    },
    coefficients: parseCoefficients(JSON.stringify(Reflect.get(run, "coefficients") ?? null)),
    records: list.map((record: unknown, index) => recordOf(record, index)),
  };
}

function recordOf(value: unknown, index: number): RequestRecord {
  const record = objectOf(value, `record ${index}`);
  const arrivalMs = timeOf(record, "arrivalMs");
  const promptTokens = countOf(record, "promptTokens", 1);
  const [startedMs, firstTokenMs, endedMs] = [
    timeOf(record, "startedMs"),
    timeOf(record, "firstTokenMs"),
    timeOf(record, "endedMs"),
  ];
  const isOrdered = arrivalMs <= startedMs && startedMs <= firstTokenMs && firstTokenMs <= endedMs;
  if (!isOrdered) throw refused(`record ${index} has its times out of order`);
  return {
    ...newRecord(index, arrivalMs, promptTokens),
    startedMs,
    firstTokenMs,
    endedMs,
    answerTokens: countOf(record, "answerTokens", 1),
    end: "length",
  };
}

function objectOf(value: unknown, name: string): object {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw refused(`${name} is no object`);
}

function countOf(value: object, name: string, low: number): number {
  const field: unknown = Reflect.get(value, name);
  const isCount = typeof field === "number" && field >= low && field <= countMax;
  if (isCount && Number.isSafeInteger(field)) return field;
  throw refused(`${name} is no whole number from ${low} to ${countMax}`);
}

function timeOf(value: object, name: string): number {
  const field: unknown = Reflect.get(value, name);
  if (typeof field === "number" && field >= 0 && field <= timeMsMax) return field;
  throw refused(`${name} is no time in milliseconds`);
}

function wordOf<T extends string>(value: object, name: string, words: readonly T[]): T | null {
  const field: unknown = Reflect.get(value, name);
  if (field === undefined) return null;
  const word = words.find((candidate) => candidate === field);
  if (word !== undefined) return word;
  throw refused(`${name} is none of: ${words.join(", ")}`);
}

function refused(problem: string): LociError {
  return new LociError("invalid_request", `The recorded run cannot be used: ${problem}.`);
}
