// Traces of requests by block: one JSON object per line, as published with Mooncake (FAST'25),
//
//   {"timestamp": ms, "input_length": tokens, "output_length": tokens, "hash_ids": [...]}
//
// where equal leading ids are shared prefixes. The file is read whole, within bounds.

import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { LociError } from "@loci/core";

export interface TraceRequest {
  readonly timestampMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Dense block numbers, in order of first appearance over the whole trace. */
  readonly blocks: Int32Array;
}

export interface Trace {
  readonly name: string;
  readonly requests: readonly TraceRequest[];
  readonly distinctBlocks: number;
  /** Tokens of a full block. */
  readonly blockTokens: number;
}

const fileBytesMax = 512 * 1024 * 1024;

/** Throws `invalid_request` when the file cannot be read, or a line is no request. */
export function readTrace(path: string): Trace {
  const text = readText(path);
  return parseTrace(basename(path), text);
}

export function parseTrace(name: string, text: string): Trace {
  const numbers = new Map<number, number>();
  const requests: TraceRequest[] = [];
  let blockTokens = 1;
  let previousMs = -Infinity;
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const fields = parseLine(line, `${name}:${index + 1}`);
    if (fields.timestampMs < previousMs) throw refused(`${name}:${index + 1}: time steps back`);
    previousMs = fields.timestampMs;
    const blocks = Int32Array.from(fields.ids, (id) => {
      const number = numbers.get(id) ?? numbers.size;
      numbers.set(id, number);
      return number;
    });
    if (new Set(blocks).size !== blocks.length) {
      throw refused(`${name}:${index + 1}: a block appears twice`);
    }
    // Every block but the last is full, so the longest prompts tell best what a block holds.
    blockTokens = Math.max(blockTokens, Math.ceil(fields.inputTokens / fields.ids.length));
    const { timestampMs, inputTokens, outputTokens } = fields;
    requests.push({ timestampMs, inputTokens, outputTokens, blocks });
  }
  if (requests.length === 0) throw refused(`${name}: no request`);
  return { name, requests, distinctBlocks: numbers.size, blockTokens };
}

interface Fields {
  readonly timestampMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly ids: readonly number[];
}

function parseLine(line: string, where: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw refused(`${where}: no JSON`, error);
  }
  if (typeof value !== "object" || value === null) throw refused(`${where}: no object`);
  const number = (name: string): number => {
    const field: unknown = Reflect.get(value, name);
    if (typeof field === "number" && Number.isSafeInteger(field) && field >= 0) return field;
    throw refused(`${where}: ${name} is no whole number`);
  };
  const list: unknown = Reflect.get(value, "hash_ids");
  if (!Array.isArray(list) || list.length === 0) throw refused(`${where}: no hash_ids`);
  const ids = list.map((id: unknown) => {
    if (typeof id === "number" && Number.isSafeInteger(id)) return id;
    throw refused(`${where}: hash_ids are no whole numbers`);
  });
  const inputTokens = number("input_length");
  if (inputTokens < ids.length) throw refused(`${where}: more blocks than tokens`);
  return {
    timestampMs: number("timestamp"),
    inputTokens,
    outputTokens: number("output_length"),
    ids,
  };
}

function readText(path: string): string {
  try {
    if (statSync(path).size > fileBytesMax) throw refused(`${basename(path)}: over 512 MiB`);
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof LociError) throw error;
    throw refused(`${basename(path)} cannot be read`, error);
  }
}

function refused(message: string, cause?: unknown): LociError {
  return new LociError("invalid_request", message, cause === undefined ? {} : { cause });
}

/** The same blocks with fewer tokens each: the same tree, a fraction of the work. */
export function scaleTrace(trace: Trace, divisor: number): Trace {
  if (divisor === 1) return trace;
  const scaled = (tokens: number): number => Math.max(1, Math.round(tokens / divisor));
  const requests = trace.requests.map((request) => ({
    ...request,
    inputTokens: Math.max(request.blocks.length, scaled(request.inputTokens)),
    outputTokens: scaled(request.outputTokens),
  }));
  return { ...trace, requests, blockTokens: scaled(trace.blockTokens) };
}
