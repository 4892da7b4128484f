// The filter that all policies share: who could take a request at all.

import { defined, LociError } from "@loci/core";
import type { Members } from "../members/members.ts";
import type { RoutedWorker } from "../members/routed-worker.ts";
import type { LiveRequest } from "../requests/live-request.ts";

/** A client may ask again after so long when nobody is there now. */
const retryAfterSeconds = 2;

/**
 * Those who may get the request, in order of joining, in `into`. Empty when nobody can take it at
 * present. Throws LociError when waiting would not help: `model_not_found` for an unknown model,
 * `context_length_exceeded` for a prompt that no worker can hold.
 */
export function eligibleWorkers(
  members: Members,
  live: LiveRequest,
  nowMs: number,
  into: RoutedWorker[],
): RoutedWorker[] {
  const all = members.all();
  let count = 0;
  for (let index = 0; index < all.length; index++) {
    const worker = defined(all[index]);
    if (isBest(worker, live, nowMs)) into[count++] = worker;
  }
  into.length = count;
  return count > 0 ? into : secondBest(all, live, nowMs);
}

/** Nothing speaks against it. Nearly always there are such workers, and then only they count. */
function isBest(worker: RoutedWorker, live: LiveRequest, nowMs: number): boolean {
  const { facts, health } = worker;
  const { model, onlyWorkerId = null } = live.request;
  return (
    health === "alive" &&
    isReady(worker, nowMs) &&
    (model === undefined || facts.model === model) &&
    (onlyWorkerId === null || facts.id === onlyWorkerId) &&
    (live.delivered === 0 || facts.continuesAnswers) &&
    fits(worker, live) &&
    (live.failedOn.size === 0 || !live.failedOn.has(facts.id))
  );
}

function secondBest(
  workers: readonly RoutedWorker[],
  live: LiveRequest,
  nowMs: number,
): RoutedWorker[] {
  const able = ableWorkers(workers, live);
  const ready = able.filter((worker) => isReady(worker, nowMs));
  const alive = ready.filter(({ health }) => health === "alive");
  // One that has not spoken yet is better than none.
  const usable = alive.length > 0 ? alive : ready;
  const untried = usable.filter(({ id }) => !live.failedOn.has(id));
  return untried.length > 0 ? untried : usable;
}

export function nobodyReady(): LociError {
  return new LociError("unavailable", "No worker can take the request now.", {
    remedy: "Try again in a moment.",
    retryAfterSeconds,
  });
}

/** Those that could compute it, well or not. */
function ableWorkers(known: readonly RoutedWorker[], live: LiveRequest): RoutedWorker[] {
  const { request } = live;
  const { onlyWorkerId = null } = request;
  const serving = known.filter(
    ({ facts }) => request.model === undefined || facts.model === request.model,
  );
  if (known.length > 0 && serving.length === 0) {
    throw new LociError("model_not_found", `No worker serves the model "${request.model}".`);
  }
  const fitting = serving.filter((worker) => fits(worker, live));
  if (serving.length > 0 && fitting.length === 0) throw tooLong(serving, live);
  const going = fitting.filter(({ facts }) => live.delivered === 0 || facts.continuesAnswers);
  if (fitting.length > 0 && going.length === 0) {
    throw new LociError("unavailable", "The answer's worker failed; no other can go on with it.");
  }
  return going.filter(({ id }) => onlyWorkerId === null || id === onlyWorkerId);
}

/** The prompt and a first new token have to fit its context and its memory. */
function fits({ facts }: RoutedWorker, live: LiveRequest): boolean {
  const known = live.request.promptTokens.length + live.delivered;
  const tokens = live.delivered === 0 ? known + 1 : known;
  return tokens <= facts.contextTokensMax && tokens <= facts.kvBlocksTotal * facts.blockTokens;
}

function tooLong(workers: readonly RoutedWorker[], live: LiveRequest): LociError {
  const most = workers.reduce(
    (longest, { facts }) =>
      Math.max(longest, Math.min(facts.contextTokensMax, facts.kvBlocksTotal * facts.blockTokens)),
    0,
  );
  const { length } = live.request.promptTokens;
  return new LociError(
    "context_length_exceeded",
    `The prompt has ${length} tokens; with its answer it may have ${most}.`,
    { remedy: "Shorten the prompt." },
  );
}

function isReady(worker: RoutedWorker, nowMs: number): boolean {
  const canTakeNew = worker.health === "alive" || worker.health === "starting";
  return canTakeNew && worker.doubtedAtMs === null && worker.breaker.allows(nowMs);
}
