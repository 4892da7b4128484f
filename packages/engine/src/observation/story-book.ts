// Stories of requests that have ended: a bounded number of them, the oldest go. What is kept is what
// was noted while they lived; it is put into the story's form when somebody asks.

import { assert, viewLimits } from "@loci/core";
import type { RequestStory } from "@loci/core";
import type { EngineRequest } from "../request.ts";
import type { StoryNotes } from "./story-notes.ts";

interface Kept extends Omit<StoryFacts, "request"> {
  readonly notes: StoryNotes;
  readonly about: ReturnType<typeof aboutOf>;
}

interface StoryFacts {
  readonly request: EngineRequest;
  readonly atMs: number;
  readonly finishReason: RequestStory["finishReason"];
}

export class StoryBook {
  /** In the order in which they ended. */
  readonly #kept = new Map<string, Kept>();

  /** It ended. An id that comes again stands for the last request of that name. */
  ended({ request, atMs, finishReason }: StoryFacts): void {
    this.#kept.delete(request.id);
    this.#kept.set(request.id, {
      atMs,
      finishReason,
      notes: request.story,
      about: aboutOf(request),
    });
    if (this.#kept.size <= viewLimits.storiesMax) return;
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest);
      break;
    }
  }

  /** Null when it is not remembered. */
  find(requestId: string): RequestStory | null {
    const kept = this.#kept.get(requestId);
    if (kept === undefined) return null;
    const { notes, about, atMs, finishReason } = kept;
    return { ...storyOf(notes, about, atMs), finishReason, endSeconds: secondsOf(about, atMs) };
  }

  checkIntegrity(): void {
    assert(this.#kept.size <= viewLimits.storiesMax, "stories are bounded");
    for (const { notes } of this.#kept.values()) notes.checkIntegrity();
  }
}

/** Of a request that lives. */
export function liveStory(request: EngineRequest, nowMs: number): RequestStory {
  return storyOf(request.story, aboutOf(request), nowMs);
}

/** A request without its tokens. */
function aboutOf(request: EngineRequest): {
  readonly id: string;
  readonly tenant: string;
  readonly session: string | null;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly submittedAtMs: number;
  readonly firstTokenAtMs: number | null;
} {
  const { id, session, promptLength, generated, submittedAtMs, firstTokenAtMs } = request;
  const { tenant } = request.spec;
  const [promptTokens, generatedTokens] = [promptLength, generated];
  return { id, tenant, session, promptTokens, generatedTokens, submittedAtMs, firstTokenAtMs };
}

function storyOf(
  notes: StoryNotes,
  about: ReturnType<typeof aboutOf>,
  untilMs: number,
): RequestStory {
  const { submittedAtMs: _, firstTokenAtMs, ...facts } = about;
  const { device, host, disk, peer, recomputed } = notes.sources;
  return {
    ...facts,
    worker: null,
    phases: notes.phases(untilMs),
    fromDevice: device,
    fromHost: host,
    fromDisk: disk,
    fromPeer: peer,
    recomputedTokens: recomputed,
    predicted: notes.predicted,
    firstTokenSeconds: firstTokenAtMs === null ? null : secondsOf(about, firstTokenAtMs),
    endSeconds: null,
    finishReason: null,
    placement: null,
  };
}

function secondsOf({ submittedAtMs }: ReturnType<typeof aboutOf>, ms: number): number {
  return Math.max(0, ms - submittedAtMs) / 1000;
}
