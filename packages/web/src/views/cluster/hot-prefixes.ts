// The beginnings that many prompts have in common, out of the router's JSON.

import { dataOf, isNumber, isObject, textOf } from "../../live/json-shape.ts";

export interface PrefixRow {
  readonly key: string;
  readonly tokens: number;
  readonly hits: number;
  readonly workers: readonly string[];
}

const prefixesMax = 100;

/** Null without a router, most used first otherwise. */
export function decodePrefixes(body: unknown): readonly PrefixRow[] | null {
  if (!isObject(body) || body["data"] === null) return null;
  return dataOf(body)
    .slice(0, prefixesMax)
    .map(({ key, tokens, hits, workers }) => ({
      key: textOf(key),
      tokens: isNumber(tokens) ? tokens : 0,
      hits: isNumber(hits) ? hits : 0,
      workers: (Array.isArray(workers) ? workers : []).filter((one) => typeof one === "string"),
    }));
}
