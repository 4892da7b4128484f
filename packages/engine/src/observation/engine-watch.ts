// What may be seen of an engine: its present state when somebody looks, and what was written down of
// its requests as they lived. Writing costs a step a few numbers for each of its requests.

import type { LatencyModel, RequestStory, ServiceView } from "@loci/core";
import type { PeakForecast } from "../admission/peak-forecast.ts";
import type { PrefixIndex } from "../kv/prefix-index.ts";
import type { EngineRequest } from "../request.ts";
import type { Scheduler } from "../scheduler.ts";
import type { BlockHappenings } from "./block-happenings.ts";
import { memoryPlaces } from "./memory-places.ts";
import { peakPoints } from "./peak-points.ts";
import { phaseOf, requestViews } from "./request-views.ts";
import { sequenceViews } from "./sequence-views.ts";
import { liveStory, StoryBook } from "./story-book.ts";

export interface EngineWatchParts {
  readonly index: PrefixIndex;
  readonly scheduler: Scheduler;
  readonly latency: LatencyModel;
  /** Its own to use when somebody looks. */
  readonly peak: PeakForecast;
  /** Somebody says how long answers will be. */
  readonly predicts: boolean;
}

export class EngineWatch {
  readonly stories: StoryBook = new StoryBook();
  readonly #parts: EngineWatchParts;

  constructor(parts: EngineWatchParts) {
    this.#parts = parts;
  }

  /** What became of blocks lately. */
  get happenings(): BlockHappenings {
    return this.#parts.index.tiers.happenings;
  }

  /** A step was planned: who runs may be at something else now. */
  planned(nowMs: number): void {
    for (const request of this.#parts.scheduler.running) {
      const { story } = request;
      const phase = phaseOf(request);
      if (phase === "decode" && !request.inFlight) {
        story.enter("rescued", nowMs, "waits for memory");
        continue;
      }
      const isNew = story.phase !== phase;
      story.enter(phase, nowMs);
      if (isNew && phase === "restoring") story.add(restoredTokens(request));
    }
  }

  /** Its first start: what is predicted of its answer. */
  started({ story, forecast, generated }: EngineRequest): void {
    if (this.#parts.predicts) story.predicted = forecast.band(generated);
  }

  /** As things are at `nowMs`; changes nothing. */
  view(nowMs: number): ServiceView {
    const { index, scheduler, latency, peak, predicts } = this.#parts;
    const { running, waiting } = scheduler;
    const places = memoryPlaces(index);
    const blocksHeld = places[0]?.blocksHeld ?? 0;
    return {
      ...requestViews({ running, waiting, nowMs, predicts }),
      places,
      blockTokens: index.blockTokens,
      forecasts: [peakPoints({ index, latency, peak, running, blocksHeld })],
      ...sequenceViews(index.cache, {
        inUse: index.sequenceEnds(),
        blockTokens: index.blockTokens,
        nowMs,
      }),
      happenings: this.happenings.log.recent(nowMs),
    };
  }

  /** Of a live or recent request; null when it is not remembered. */
  story(requestId: string, nowMs: number): RequestStory | null {
    const { running, waiting } = this.#parts.scheduler;
    const isMeant = ({ id }: EngineRequest): boolean => id === requestId;
    const live = running.find(isMeant) ?? waiting.find(isMeant);
    return live === undefined ? this.stories.find(requestId) : liveStory(live, nowMs);
  }

  checkIntegrity(): void {
    const { scheduler } = this.#parts;
    this.stories.checkIntegrity();
    this.happenings.log.checkIntegrity();
    for (const { story } of [...scheduler.running, ...scheduler.waiting]) story.checkIntegrity();
  }
}

function restoredTokens({ story: { sources } }: EngineRequest): number {
  return sources.host + sources.disk;
}
