// What a failed attempt says of its worker, and of the request that failed there.

import type { Members } from "../members/members.ts";
import type { RoutedWorker } from "../members/routed-worker.ts";
import type { AttemptFailure } from "../router-events.ts";
import type { LiveRequest } from "./live-request.ts";

export function blame(
  members: Members,
  worker: RoutedWorker,
  { live, failure }: { readonly live: LiveRequest; readonly failure: AttemptFailure },
  nowMs: number,
): void {
  live.failedOn.add(worker.id);
  if (failure === "refused") return;
  // What else fails before it is heard again, failed for the same reason: one connection may carry all.
  if (worker.doubtedAtMs === null) worker.breaker.failed(live.request.id, nowMs);
  members.doubt(worker, nowMs);
  // One that drains was told to go: that it went says nothing of the request.
  if (failure === "unreachable" || worker.drainsUntilMs !== null) return;
  const { id: workerId, epoch } = worker.facts;
  live.deaths.push({ workerId, epoch, atMs: nowMs });
}
