// A workload on the real engine with a real model in this process, recorded as the simulator records
// its own runs. Steps are timed before, on requests of the same kind, for the simulator's costs.

import { MessageChannel } from "node:worker_threads";

import { defined, greedySampling, LatencyModel, sleep, systemClock } from "@loci/core";
import type { Config, GenerationRequest } from "@loci/core";
import { LocalService } from "@loci/engine";
import type { EngineObserver, StepFacts } from "@loci/engine";
import { openModel } from "@loci/host";
import { newRecord, promptTokens } from "@loci/sim";
import type { FittedCoefficients, RecordedRun, RequestRecord, SimRequest } from "@loci/sim";

import { findModel } from "../serve/find-model.ts";

/** Steps of less than this apart belong together: nobody was waited for. */
const gapMsMax = 20;
/** Steps of one kind that the fit remembers. */
const fitSteps = 2048;

export interface RealRunOptions {
  readonly config: Config;
  /** Requests that only teach what steps cost. */
  readonly warmup: readonly SimRequest[];
  readonly requests: readonly SimRequest[];
}

/** Plays both workloads, one after the other, and returns the second with the first's costs. */
export async function recordRun(options: RealRunOptions): Promise<RecordedRun> {
  const { config, warmup, requests } = options;
  using _ = stayAlive();
  using model = await openModel(config, { findModel });
  const costs = new StepCosts();
  const engine = {
    sequencesMax: config.runningMax,
    admission: config.admission,
    scheduling: config.scheduling,
  };
  const service = new LocalService({
    runner: model.runner,
    tokenText: model.codec,
    clock: systemClock,
    observer: costs,
    options: { ...engine, queueRequestsMax: warmup.length + requests.length },
  });
  const { limits } = model.runner;
  const play = (list: readonly SimRequest[], first: number): Promise<RequestRecord[]> =>
    playAll(service, list, { vocabularySize: limits.vocabularySize, first });
  await play(warmup, 0);
  const { coefficients } = costs;
  const records = await play(requests, warmup.length);
  await service.close({ drain: true });
  return { name: model.info.id, limits, options: engine, coefficients, records };
}

/** Timers of the clock do not keep the process from ending; an open port does. */
function stayAlive(): Disposable {
  const { port1, port2 } = new MessageChannel();
  port1.on("message", () => {});
  return {
    [Symbol.dispose]: () => {
      port1.close();
      port2.close();
    },
  };
}

/** What steps cost, and the time between the end of one and the start of the next. */
class StepCosts implements EngineObserver {
  /** Remembers more than the engine's own, which follows the machine from moment to moment. */
  readonly #latency = new LatencyModel({ memorySteps: fitSteps });
  readonly #gapsMs: number[] = [];
  #endedAtMs = -Infinity;

  onStep({ durationMs, ...load }: StepFacts): void {
    this.#latency.observe(load, durationMs / 1000);
    const nowMs = systemClock.nowMs();
    const gapMs = nowMs - this.#endedAtMs - durationMs;
    this.#endedAtMs = nowMs;
    if (gapMs >= 0 && gapMs < gapMsMax) this.#gapsMs.push(gapMs);
  }

  get coefficients(): FittedCoefficients {
    const sorted = Float64Array.from(this.#gapsMs).toSorted();
    const secondsBetweenSteps = (sorted[sorted.length >> 1] ?? 0) / 1000;
    return { ...this.#latency.coefficients, secondsBetweenSteps };
  }
}

interface Played {
  readonly vocabularySize: number;
  /** Number of the first request. */
  readonly first: number;
}

async function playAll(
  service: LocalService,
  requests: readonly SimRequest[],
  { vocabularySize, first }: Played,
): Promise<RequestRecord[]> {
  const startMs = systemClock.nowMs();
  const specs = requests.map((request, index) => specOf(request, first + index, vocabularySize));
  const playing = requests.map(async (request, index) => {
    await sleep(systemClock, request.arrivalMs);
    return playOne(service, defined(specs[index]), { index, startMs });
  });
  return Promise.all(playing);
}

async function playOne(
  service: LocalService,
  spec: GenerationRequest,
  { index, startMs }: { readonly index: number; readonly startMs: number },
): Promise<RequestRecord> {
  const now = (): number => systemClock.nowMs() - startMs;
  const record = newRecord(index, now(), spec.promptTokens.length);
  for await (const event of service.generate(spec, new AbortController().signal)) {
    if (event.type === "started") {
      record.startedMs = now();
      record.cachedTokens = event.cachedTokens;
    } else if (event.type === "token") {
      record.firstTokenMs ??= now();
      record.answerTokens++;
    } else {
      record.endedMs = now();
      record.end = "length";
    }
  }
  return record;
}

function specOf(request: SimRequest, index: number, vocabularySize: number): GenerationRequest {
  return {
    id: `request ${index}`,
    tenant: request.tenant,
    promptTokens: promptTokens(request.prompt, vocabularySize),
    maxTokens: request.answerTokens,
    minTokens: 0,
    ignoreEos: true,
    stop: [],
    stopTokenIds: [],
    sampling: greedySampling,
  };
}
