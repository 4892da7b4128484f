// What may be seen of a cluster: all its workers at once, and the story of a request from whoever had
// it. Asks only when somebody looks, and nobody for long.

import { assert, viewLimits } from "@loci/core";
import type { Clock, RequestStory, ServiceView } from "@loci/core";
import type { LookingPort } from "../service/router-port.ts";
import type { WorkerTable } from "../service/worker-table.ts";
import { addViews } from "./add-views.ts";
import type { AttemptNotes } from "./attempt-notes.ts";
import { storyOf } from "./story-of.ts";
import { WorkerViews } from "./worker-views.ts";

export interface ClusterWatchParts {
  readonly router: LookingPort;
  readonly table: WorkerTable;
  readonly clock: Clock;
}

/** A worker that does not tell its part within so long is left out. */
const storyMsMax = 500;

export class ClusterWatch {
  readonly #parts: ClusterWatchParts;
  readonly #views: WorkerViews;
  /** Requests that have ended, in that order. */
  readonly #ended = new Map<string, AttemptNotes>();

  constructor(parts: ClusterWatchParts) {
    this.#parts = parts;
    this.#views = new WorkerViews(parts.table, parts.clock);
  }

  ended(notes: AttemptNotes): void {
    notes.end(this.#parts.clock.nowMs());
    this.#ended.delete(notes.id);
    this.#ended.set(notes.id, notes);
    if (this.#ended.size <= viewLimits.storiesMax) return;
    for (const oldest of this.#ended.keys()) {
      this.#ended.delete(oldest);
      break;
    }
  }

  async view(): Promise<ServiceView> {
    const { router, clock } = this.#parts;
    const asked = await this.#views.ask();
    const requests = router.requestViews(viewLimits.requestsMax, clock.nowMs());
    return addViews({ ...asked, requests, requestsLive: router.liveRequests });
  }

  /** `live`: of a request that has not ended. */
  async story(requestId: string, live: AttemptNotes | null): Promise<RequestStory | null> {
    const notes = live ?? this.#ended.get(requestId) ?? null;
    if (notes === null) return null;
    const { router, clock } = this.#parts;
    const told = await this.#ask(notes);
    const placement = router.explain(requestId);
    return storyOf({ notes, told, placement, nowMs: clock.nowMs() });
  }

  checkIntegrity(): void {
    assert(this.#ended.size <= viewLimits.storiesMax, "stories are bounded");
  }

  /** Of each attempt, what its worker says, if it is there and remembers. */
  async #ask({ attempts }: AttemptNotes): Promise<ReadonlyMap<string, RequestStory>> {
    const { table, clock } = this.#parts;
    const controller = new AbortController();
    const cancel = clock.after(storyMsMax, () => controller.abort());
    const answers = await Promise.allSettled(
      attempts.map(async ({ id, workerId }) => {
        const story = await table.get(workerId)?.link.story(id, controller.signal);
        return [id, story ?? null] as const;
      }),
    );
    cancel();
    const told = new Map<string, RequestStory>();
    for (const answer of answers) {
      if (answer.status !== "fulfilled") continue;
      const [id, story] = answer.value;
      if (story !== null) told.set(id, story);
    }
    return told;
  }
}
