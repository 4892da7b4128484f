// What a made-up cluster answers besides its views: placements, prefixes, requests and one story.

import type { HotPrefix, RequestHead, RequestStory } from "@loci/core";

const terms = {
  queue: 0.12,
  prefill: 0.31,
  slowdown: 0.02,
  eviction: 0.01,
  memory: 0.03,
  replica: 0.04,
  move: 0,
};

function placement(index: number): object {
  const candidate = (place: number): object => ({
    workerId: `worker-${1 + ((index + place) % 64)}`,
    score: 0.45 + place * 0.08,
    terms: { ...terms, queue: 0.12 + place * 0.09 },
    cachedTokens: { device: 640 - place * 128, host: place === 0 ? 256 : 0, disk: 0 },
  });
  return {
    requestId: `chatcmpl-${index}-0-0`,
    workerId: `worker-${1 + (index % 64)}`,
    policy: "seconds",
    reason: index % 3 === 0 ? "session_home" : "cheapest",
    fetch: index % 5 === 0 ? { fromWorkerId: "worker-9", blockStart: 2, blockEnd: 14 } : null,
    candidates: [0, 1, 2, 3].map((place) => candidate(place)),
    agoSeconds: index * 1.3,
  };
}

function prefix(index: number): HotPrefix {
  return {
    key: `prefix-${index}`,
    tokens: 2048 - index * 64,
    blocks: 64 - index * 2,
    workers: Array.from({ length: 1 + (index % 9) }, (_, worker) => `worker-${worker + 1}`),
    hits: 900 - index * 40,
  };
}

function head(index: number): RequestHead {
  return {
    id: `chatcmpl-${index}-0-0`,
    session: null,
    conversation: null,
    worker: `worker-${1 + (index % 64)}`,
    phase: index === 0 ? "decode" : null,
    finishReason: index === 0 ? null : "stop",
    promptTokens: 900 + index,
    cachedTokens: 640,
    generatedTokens: 120,
    firstTokenSeconds: 0.21,
    endSeconds: index === 0 ? null : 2.4,
    submittedUnixSeconds: 1_790_000_000 - index,
  };
}

const story: RequestStory & { readonly conversation: string | null } = {
  id: "chatcmpl-1-0-0",
  tenant: "public",
  session: null,
  worker: "worker-2",
  phases: [
    { phase: "waiting", startSeconds: 0, endSeconds: 0.12, tokens: 0, note: null },
    { phase: "restoring", startSeconds: 0.12, endSeconds: 0.2, tokens: 256, note: "from host" },
    { phase: "prefill", startSeconds: 0.2, endSeconds: 0.51, tokens: 260, note: null },
    { phase: "decode", startSeconds: 0.51, endSeconds: 1.4, tokens: 70, note: null },
    { phase: "rescued", startSeconds: 1.4, endSeconds: 1.6, tokens: 0, note: "gave way" },
    { phase: "decode", startSeconds: 1.6, endSeconds: 2.4, tokens: 50, note: null },
  ],
  promptTokens: 1156,
  fromDevice: 640,
  fromHost: 192,
  fromDisk: 64,
  fromPeer: 32,
  recomputedTokens: 64,
  generatedTokens: 120,
  predicted: { low: 40, median: 110, high: 260 },
  firstTokenSeconds: 0.51,
  endSeconds: 2.4,
  finishReason: "stop",
  placement: placement(1),
  conversation: "conv_0123456789abcdef",
};

const list = <T>(count: number, make: (index: number) => T): { readonly data: readonly T[] } => ({
  data: Array.from({ length: count }, (_, index) => make(index)),
});

/** By path. */
export const scriptedAnswers: Readonly<Record<string, unknown>> = {
  "/loci/placements": list(20, placement),
  "/loci/prefixes": list(20, prefix),
  "/loci/requests": list(100, head),
  "/loci/requests/chatcmpl-1-0-0": story,
  "/v1/conversations": { object: "list", data: [], first_id: null, last_id: null, has_more: false },
  "/v1/models": { object: "list", data: [{ id: "loci-demo", object: "model" }] },
};
