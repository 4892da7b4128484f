// What a request of Anthropic's form says about the conversation it belongs to and how long its
// cache is wanted.

import type { IncomingHttpHeaders } from "node:http";
import { sessionHints, type SessionHints } from "../conversation/session-hints.ts";
import type { CacheControl } from "./message-blocks.ts";
import type { MessagesBody, PromptFields } from "./message-bodies.ts";

export type CacheTtl = "5m" | "1h";

const ttlSeconds: Readonly<Record<CacheTtl, number>> = { "5m": 300, "1h": 3600 };

/** The longest time that the request marks anything to be kept for; null when it marks nothing. */
export function cacheTtl(body: PromptFields): CacheTtl | null {
  let longest: CacheTtl | null = null;
  for (const { ttl = "5m" } of cacheControls(body)) {
    if (longest === null || ttlSeconds[ttl] > ttlSeconds[longest]) longest = ttl;
  }
  return longest;
}

function* cacheControls(body: PromptFields): Generator<CacheControl> {
  const { cache_control: whole, system = [], tools = [], messages } = body;
  if (whole !== undefined) yield whole;
  for (const tool of tools) if (tool.cache_control !== undefined) yield tool.cache_control;
  for (const content of [system, ...messages.map((message) => message.content)]) {
    if (typeof content === "string") continue;
    for (const block of content) if (isMarked(block)) yield block.cache_control;
  }
}

/** Blocks were checked: a mark has the form of one. */
function isMarked(block: object): block is { readonly cache_control: CacheControl } {
  return "cache_control" in block;
}

export interface MessageHintSources {
  readonly tenant: string;
  readonly body: MessagesBody;
  readonly headers: IncomingHttpHeaders;
  /** What the conversation begins with. */
  readonly opening: string;
}

/**
 * A session's name from headers first. `metadata.user_id` names a user with many conversations,
 * except where a program puts its session into it.
 */
export function messageHints({ tenant, body, headers, opening }: MessageHintSources): SessionHints {
  const user = body.metadata?.user_id ?? "";
  const name = user.includes("session") ? user : `${user}\n${opening}`;
  const ttl = cacheTtl(body);
  return {
    ...sessionHints({ tenant, body: {}, headers, known: null, opening: name }),
    ...(ttl === null ? {} : { retainSeconds: ttlSeconds[ttl] }),
  };
}
