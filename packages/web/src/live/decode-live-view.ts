// What the server tells the live views once a second. It comes from our own server, but perhaps from
// one of another version: what a view cannot do without is checked here, once.

import type { LiveView } from "@loci/core";
import { isNumber, isObject } from "./json-shape.ts";

const serviceNumbers = [
  "requestsRunning",
  "requestsWaiting",
  "kvBlocksTotal",
  "kvBlocksFree",
  "kvBlocksCached",
  "kvBlockTokens",
  "promptTokens",
  "cachedTokens",
  "generatedTokens",
] as const;

const viewLists = ["requests", "places", "forecasts", "sequences", "happenings"] as const;

/** Null when `text` is not a live view that this page can show. */
export function decodeLiveView(text: string): LiveView | null {
  const body = parseObject(text);
  if (body === null) return null;
  const { service, view, model, rates, atMs } = body;
  if (!isObject(service) || !hasNumbers(service, serviceNumbers) || !isNumber(atMs)) return null;
  if (!isObject(model) || !isObject(rates)) return null;
  if (!hasNumbers(rates, ["generatedPerSecond", "promptPerSecond"])) return null;
  if (view !== null && (!isObject(view) || !hasLists(view, viewLists))) return null;
  const conversations = isObject(body["conversations"]) ? body["conversations"] : {};
  // JSON has no word for an endless expectation.
  const wait = service["waitSecondsExpected"];
  const waitSecondsExpected = isNumber(wait) ? wait : Number.POSITIVE_INFINITY;
  // What lists hold is of the types that server and page share.
  // eslint-disable-next-line typescript/no-unsafe-type-assertion
  return {
    ...body,
    service: { ...service, waitSecondsExpected },
    conversations,
  } as unknown as LiveView;
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    // Not JSON: the same answer as for JSON of another shape.
    return null;
  }
}

function hasNumbers(body: Record<string, unknown>, names: readonly string[]): boolean {
  return names.every((name) => isNumber(body[name]));
}

function hasLists(body: Record<string, unknown>, names: readonly string[]): boolean {
  return names.every((name) => Array.isArray(body[name]));
}
