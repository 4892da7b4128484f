// Views of several workers as one: who is where is said, ids are those that clients know, and every
// list keeps its bound. What the router alone knows of a request stands where no worker shows it.

import { viewLimits } from "@loci/core";
import type { Happening, MemoryPlace, RequestView, SequenceView, ServiceView } from "@loci/core";
import { requestIdOf } from "./request-ids.ts";

export interface WorkerView {
  readonly workerId: string;
  readonly view: ServiceView;
  /** Age of the view. */
  readonly agoSeconds: number;
}

export interface ClusterParts {
  readonly workers: readonly WorkerView[];
  /** The router's own, oldest first, and how many there are in all. */
  readonly requests: readonly RequestView[];
  readonly requestsLive: number;
  /** Memories of workers that show nothing of themselves. */
  readonly places: readonly MemoryPlace[];
  readonly blockTokens: number;
}

export function addViews(parts: ClusterParts): ServiceView {
  const { workers } = parts;
  const requests = requestsOf(parts);
  const sequences = workers.flatMap(sequencesOf).toSorted(bySequenceUse);
  const happenings = workers.flatMap(happeningsOf).toSorted((a, b) => b.agoSeconds - a.agoSeconds);
  const shown = requests.slice(0, viewLimits.requestsMax);
  const omitted = total(workers, ({ view }) => view.requestsOmitted);
  const sequencesShown = sequences.slice(0, viewLimits.sequencesMax);
  const hidden = total(workers, ({ view }) => view.sequencesOmitted);
  return {
    requests: shown,
    requestsOmitted: Math.max(
      requests.length + omitted - shown.length,
      parts.requestsLive - shown.length,
      0,
    ),
    places: [
      ...workers.flatMap(({ workerId, view }) =>
        view.places.map((place) => ({ ...place, worker: workerId })),
      ),
      ...parts.places,
    ],
    blockTokens: workers[0]?.view.blockTokens ?? parts.blockTokens,
    forecasts: workers.flatMap(({ workerId, view }) =>
      view.forecasts.map((forecast) => ({ ...forecast, worker: workerId })),
    ),
    sequences: sequencesShown,
    sequencesOmitted: sequences.length + hidden - sequencesShown.length,
    happenings: happenings.slice(-viewLimits.happeningsMax),
  };
}

/** Those of the workers, and the router's that none of them shows; who runs comes first. */
function requestsOf({ workers, requests }: ClusterParts): readonly RequestView[] {
  const own = new Map(requests.map((request) => [request.id, request]));
  const told = workers.flatMap(({ workerId, view }) =>
    view.requests.flatMap((request) => {
      const id = requestIdOf(request.id);
      const known = own.get(id);
      // An attempt that was given up may still be there for a moment.
      if (known !== undefined && known.worker !== workerId) return [];
      own.delete(id);
      return [{ ...request, id, worker: workerId, ...(known && inAll(request, known)) }];
    }),
  );
  const all = [...told, ...own.values()];
  return [...all.filter((request) => !isWaiting(request)), ...all.filter(isWaiting)];
}

function isWaiting({ phase }: RequestView): boolean {
  return phase === "waiting";
}

/** An attempt is younger than its request, and knows nothing of those before it. */
function inAll(attempt: RequestView, { ageSeconds, rescues }: RequestView): Partial<RequestView> {
  return { ageSeconds, rescues: attempt.rescues + rescues };
}

function sequencesOf({ workerId, view, agoSeconds }: WorkerView): readonly SequenceView[] {
  return view.sequences.map((sequence) => ({
    ...sequence,
    key: `${workerId} ${sequence.key}`,
    worker: workerId,
    idleSeconds: sequence.inUse ? 0 : sequence.idleSeconds + agoSeconds,
  }));
}

function happeningsOf({ workerId, view, agoSeconds }: WorkerView): readonly Happening[] {
  return view.happenings.map((happening) => ({
    ...happening,
    worker: workerId,
    agoSeconds: happening.agoSeconds + agoSeconds,
    requestId: happening.requestId === null ? null : requestIdOf(happening.requestId),
  }));
}

function bySequenceUse(one: SequenceView, other: SequenceView): number {
  return Number(other.inUse) - Number(one.inUse) || one.idleSeconds - other.idleSeconds;
}

function total(workers: readonly WorkerView[], value: (worker: WorkerView) => number): number {
  return workers.reduce((sum, worker) => sum + value(worker), 0);
}
