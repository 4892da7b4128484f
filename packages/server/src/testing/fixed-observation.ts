// An Observable that shows what a test gives it.

import type { Observable, RequestStory, ServiceView } from "@loci/core";

export function viewOf(parts: Partial<ServiceView> = {}): ServiceView {
  return {
    requests: [],
    requestsOmitted: 0,
    places: [],
    blockTokens: 32,
    forecasts: [],
    sequences: [],
    sequencesOmitted: 0,
    happenings: [],
    ...parts,
  };
}

export function requestViewOf(
  parts: Partial<ServiceView["requests"][number]> = {},
): ServiceView["requests"][number] {
  return {
    id: "cmpl-1-0-0",
    tenant: "public",
    session: null,
    worker: null,
    phase: "decode",
    ageSeconds: 1,
    promptTokens: 10,
    cachedTokens: 4,
    computedTokens: 12,
    generatedTokens: 3,
    maxTokens: 100,
    predicted: null,
    promisedTokens: null,
    blocksHeld: 1,
    rescues: 0,
    ...parts,
  };
}

export function storyOf(id: string, parts: Partial<RequestStory> = {}): RequestStory {
  return {
    id,
    tenant: "public",
    session: null,
    worker: null,
    phases: [],
    promptTokens: 10,
    fromDevice: 4,
    fromHost: 0,
    fromDisk: 0,
    fromPeer: 0,
    recomputedTokens: 0,
    generatedTokens: 3,
    predicted: null,
    firstTokenSeconds: 0.5,
    endSeconds: 1,
    finishReason: "stop",
    placement: null,
    ...parts,
  };
}

export class FixedObservation implements Observable {
  shown: ServiceView;
  readonly stories: Map<string, RequestStory> = new Map();
  /** How often somebody looked. */
  looks = 0;

  constructor(view: Partial<ServiceView> = {}) {
    this.shown = viewOf(view);
  }

  view(): ServiceView {
    this.looks++;
    return this.shown;
  }

  story(requestId: string): RequestStory | null {
    return this.stories.get(requestId) ?? null;
  }
}
