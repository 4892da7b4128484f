// What the server tells the live views once a second. It comes from our own server, but perhaps from
// one of another version: what a view cannot do without is checked here, once.

import type { ServiceSnapshot, ServiceView } from "@loci/core";
import { isNumber, isObject } from "./json-shape.ts";

export interface LiveView {
  /** Milliseconds since 1970, by the server's clock. */
  readonly atMs: number;
  readonly uptimeSeconds: number;
  readonly version: string;
  readonly model: { readonly id: string; readonly contextTokens: number };
  readonly service: ServiceSnapshot;
  /** Null where nobody can look inside: in front of engines that show nothing. */
  readonly view: ServiceView | null;
  readonly rates: LiveRates;
  /** Conversations by the session names that requests and sequences carry. */
  readonly conversations: Readonly<Record<string, string>>;
}

export interface LiveRates {
  readonly generatedPerSecond: number;
  readonly promptPerSecond: number;
  /** Of recent prompt tokens; null before the first. */
  readonly cachedShare: number | null;
}

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
  "waitSecondsExpected",
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
  // Fields of lists are the server's own types; the page shows numbers and escapes names.
  // eslint-disable-next-line typescript/no-unsafe-type-assertion
  return { ...body, conversations } as unknown as LiveView;
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
