// What a request says about the conversation it belongs to, for whoever decides what to keep. A
// session's name counts only together with its tenant: another one's name gives nothing.

import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { CacheHintFields } from "../schemas/cache-hints.ts";

/** Headers of agents and routers that name a session, in the order in which they count. */
const sessionHeaders = [
  "x-session-id",
  "session-id",
  "x-claude-code-session-id",
  "x-dynamo-session-id",
  "x-litellm-session-id",
  "x-smg-routing-key",
  "x-aibrix-session-key",
] as const;

const sessionCharsMax = 512;
const retentionSeconds = { in_memory: null, "in-memory": null, "24h": 24 * 3600 } as const;
const ttlSeconds = { "30m": 30 * 60, "12h": 12 * 3600 } as const;

/** Fields of a GenerationRequest; absent where nothing is known. */
export interface SessionHints {
  readonly sessionKey?: string;
  readonly retainSeconds?: number;
}

export interface HintSources {
  readonly tenant: string;
  readonly body: CacheHintFields;
  readonly headers: IncomingHttpHeaders;
  /** A name that the server itself knows: a conversation's id, the first response of a chain. */
  readonly known: string | null;
  /** What the conversation begins with; the last resort. */
  readonly opening?: string;
}

/** `known`, then the body's fields, then headers, then the opening. */
export function sessionHints(sources: HintSources): SessionHints {
  const { tenant, body, known } = sources;
  const name =
    known ??
    body.session_id ??
    body.prompt_cache_key ??
    headerName(sources.headers) ??
    sources.opening ??
    null;
  const retainSeconds = retention(body);
  return {
    ...(name === null ? {} : { sessionKey: sessionKey(tenant, name) }),
    ...(retainSeconds === null ? {} : { retainSeconds }),
  };
}

function sessionKey(tenant: string, name: string): string {
  return createHash("sha256")
    .update(JSON.stringify([tenant, name]))
    .digest("hex")
    .slice(0, 32);
}

function headerName(headers: IncomingHttpHeaders): string | undefined {
  for (const header of sessionHeaders) {
    const value = headers[header];
    if (typeof value === "string" && value !== "" && value.length <= sessionCharsMax) return value;
  }
  return undefined;
}

/** The longer of both wishes. */
function retention(body: CacheHintFields): number | null {
  const { prompt_cache_retention: kept, prompt_cache_options: options } = body;
  const seconds = Math.max(
    kept === undefined ? 0 : (retentionSeconds[kept] ?? 0),
    options?.ttl === undefined ? 0 : ttlSeconds[options.ttl],
  );
  return seconds > 0 ? seconds : null;
}
