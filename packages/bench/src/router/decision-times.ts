// How long a router takes to decide: naming a prompt's blocks, looking them up, pricing every worker,
// and noting what was decided; with a forecast of the answer's length, or without. Tokenisation comes before and is not in it. Decisions during which the
// system gave the core to somebody else say nothing of the router: they are left out, and counted.

import type { Clock } from "@loci/core";
import type { PolicyName } from "@loci/router";
import { percentile } from "../measure/statistics.ts";
import { LoadedRouter, tenant } from "./router-load.ts";

export type DecisionCell = {
  readonly policy: PolicyName;
  readonly forecasts: boolean;
  readonly workers: number;
  readonly tokens: number;
  readonly decisions: number;
  /** Share of decisions that are left out, unless all were interrupted. */
  readonly interruptedShare: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
};

export interface DecisionPlan {
  readonly policy: PolicyName;
  readonly forecasts: boolean;
  readonly workers: number;
  readonly blocks: number;
  /** Lengths of prompts, each measured apart. */
  readonly tokens: readonly number[];
  readonly decisions: number;
}

/** Requests under way at once, for each worker. */
const liveOfWorker = 4;
/** Decisions between two reports of all workers and a tick. */
const reportEvery = 10;
const msBetween = 10;
/** Decisions before those that count, as shares of them. */
const warmUpShare = 0.3;

export function decisionTimes(plan: DecisionPlan, clock: Clock): readonly DecisionCell[] {
  const { policy, forecasts, workers, blocks } = plan;
  const filled = [2000, 8000, 8000, 30_000, 100_000];
  const loaded = new LoadedRouter({ policy, forecasts, workers, blocks, promptTokens: filled });
  return plan.tokens.map((tokens) => {
    const { all, whole } = takenMs(loaded, tokens, plan, clock);
    const taken = whole.length > 0 ? whole : all;
    return {
      policy,
      forecasts,
      workers,
      tokens,
      decisions: all.length,
      interruptedShare: 1 - whole.length / all.length,
      p50Ms: percentile(taken, 0.5),
      p99Ms: percentile(taken, 0.99),
      maxMs: Math.max(...taken),
    };
  });
}

interface Taken {
  readonly all: number[];
  readonly whole: number[];
}

function takenMs(loaded: LoadedRouter, tokens: number, plan: DecisionPlan, clock: Clock): Taken {
  const { router } = loaded;
  const taken: Taken = { all: [], whole: [] };
  const live: string[] = [];
  const warmUp = Math.ceil(plan.decisions * warmUpShare);
  for (let decision = 0; decision < warmUp + plan.decisions; decision++) {
    // Nothing known, half known, three quarters known, in turn.
    const prompt = loaded.prompts.prompt(tokens, [0, 0.5, 0.75][decision % 3] ?? 0);
    const id = `${tokens}-${decision}`;
    const request = { id, tenant, promptTokens: prompt, maxTokens: 512 };
    const interruptions = process.resourceUsage().involuntaryContextSwitches;
    const startMs = clock.nowMs();
    router.place(request, loaded.nowMs);
    const endMs = clock.nowMs();
    const isWhole = process.resourceUsage().involuntaryContextSwitches === interruptions;
    if (decision >= warmUp) taken.all.push(endMs - startMs);
    if (decision >= warmUp && isWhole) taken.whole.push(endMs - startMs);
    router.started(id, 0, loaded.nowMs);
    router.tokens(id, 1, loaded.nowMs);
    live.push(id);
    if (live.length > liveOfWorker * plan.workers) finish(loaded, live.shift());
    loaded.nowMs += msBetween;
    if (decision % reportEvery === 0) loaded.report();
  }
  for (const id of live) finish(loaded, id);
  return taken;
}

function finish(loaded: LoadedRouter, id: string | undefined): void {
  if (id === undefined) return;
  const tokens = loaded.random.integer(1, 400);
  const report = { completionTokens: tokens, cachedTokens: null, endedByItself: true };
  loaded.router.finished(id, report, loaded.nowMs);
}
