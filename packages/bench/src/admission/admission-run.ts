// One run of one arm: a fresh engine over the loaded model, all requests waiting from the start, until the
// last one has its answer.

import { defined, greedySampling, type Clock, type LatencyCoefficients } from "@loci/core";
import {
  LocalService,
  type EngineOptions,
  type SchedulingName,
  type StepFacts,
} from "@loci/engine";
import type { LoadedModel } from "@loci/model";
import { newRecord } from "@loci/sim";
import type { RecordedRun, RequestRecord } from "@loci/sim";
import { benchTenant, lengthsOf, type ArmName } from "./admission-arms.ts";
import type { AdmissionRequest, AdmissionWorkload } from "./admission-workload.ts";
import { EndingRunner } from "./ending-runner.ts";

export interface RunParts {
  readonly model: LoadedModel;
  readonly workload: AdmissionWorkload;
  readonly endTokenId: number;
  /** What every client allows. */
  readonly maxTokens: number;
  readonly scheduling: SchedulingName;
  readonly seed: number;
  readonly clock: Clock;
}

export interface AdmissionRun {
  readonly arm: ArmName;
  readonly seconds: number;
  /** Of this process. */
  readonly cpuSeconds: number;
  readonly tokensPerSecond: number;
  /** Says more than the above where other processes take part of the machine. */
  readonly tokensPerCpuSecond: number;
  readonly answerTokens: number;
  readonly steps: number;
  readonly sequencesPerStep: number;
  readonly preemptions: number;
  /** Tokens computed beyond each once. */
  readonly tokensRecomputed: number;
  /** Most blocks that requests held at once, and how many there are. */
  readonly peakBlocks: number;
  readonly blocks: number;
  /** Seconds of the run in which no step was computed. */
  readonly idleSeconds: number;
  readonly recorded: RecordedRun;
}

/** Throws LociError when a request fails. */
export async function runArm(arm: ArmName, parts: RunParts): Promise<AdmissionRun> {
  const { model, workload, clock, scheduling } = parts;
  const { waiting } = workload;
  const options = { admission: arm, scheduling, sequencesMax: waiting.length } as const;
  const steps: StepFacts[] = [];
  let peakBlocks = 0;
  const lengths = lengthsOf(arm, workload, { tokensMax: parts.maxTokens, seed: parts.seed });
  const runner = new EndingRunner({
    runner: model.runner,
    endTokenId: parts.endTokenId,
    answerTokens: (id) => defined(waiting[Number(id)]).answerTokens,
  });
  const service = new LocalService({
    runner,
    tokenText: model.codec,
    clock,
    options: { ...options, queueRequestsMax: waiting.length },
    observer: {
      onStep: (facts) => {
        steps.push(facts);
        const { kvBlocksTotal, kvBlocksFree, kvBlocksCached } = service.snapshot();
        peakBlocks = Math.max(peakBlocks, kvBlocksTotal - kvBlocksFree - kvBlocksCached);
      },
    },
    ...(lengths !== null && { lengths }),
  });
  try {
    const cpuBefore = process.cpuUsage();
    const startMs = clock.nowMs();
    const records = await Promise.all(
      waiting.map((request, index) => follow(service, request, { index, startMs, parts })),
    );
    const seconds = (clock.nowMs() - startMs) / 1000;
    const cpu = process.cpuUsage(cpuBefore);
    const cpuSeconds = (cpu.user + cpu.system) / 1e6;
    const { preemptions, kvBlocksTotal, latency } = service.snapshot();
    const computing = steps.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000;
    const answerTokens = records.reduce((sum, record) => sum + record.answerTokens, 0);
    return {
      arm,
      seconds,
      cpuSeconds,
      tokensPerCpuSecond: answerTokens / cpuSeconds,
      tokensPerSecond: answerTokens / seconds,
      answerTokens,
      steps: steps.length,
      sequencesPerStep: total(steps, "sequences") / steps.length,
      preemptions,
      tokensRecomputed: total(steps, "tokens") - tokensOnce(records),
      peakBlocks,
      blocks: kvBlocksTotal,
      idleSeconds: seconds - computing,
      recorded: recordedRun({
        arm,
        parts,
        options,
        records,
        latency: defined(latency),
        idle: (seconds - computing) / steps.length,
      }),
    };
  } finally {
    await service.close({ drain: false });
  }
}

interface Place {
  readonly index: number;
  readonly startMs: number;
  readonly parts: RunParts;
}

async function follow(
  service: LocalService,
  request: AdmissionRequest,
  { index, startMs, parts }: Place,
): Promise<RequestRecord> {
  const { promptTokens, userText } = request;
  const { clock, maxTokens } = parts;
  const record = newRecord(index, 0, promptTokens.length);
  const spec = {
    id: String(index),
    tenant: benchTenant,
    promptTokens,
    userText,
    maxTokens,
    minTokens: 0,
    ignoreEos: false,
    stop: [],
    stopTokenIds: [],
    sampling: greedySampling,
  };
  let lastTokenMs: number | null = null;
  for await (const event of service.generate(spec, new AbortController().signal)) {
    const nowMs = clock.nowMs() - startMs;
    if (event.type === "started") {
      record.startedMs = nowMs;
      record.cachedTokens = event.cachedTokens;
    } else if (event.type === "token") {
      record.firstTokenMs ??= nowMs;
      record.longestPauseMs = Math.max(record.longestPauseMs, nowMs - (lastTokenMs ?? nowMs));
      lastTokenMs = nowMs;
      record.answerTokens++;
    } else {
      record.endedMs = nowMs;
      record.end = event.reason === "length" ? "length" : "finished";
    }
  }
  return record;
}

/** Each prompt token, and each answer token but the last, once. */
function tokensOnce(records: readonly RequestRecord[]): number {
  return records.reduce((once, { promptTokens, answerTokens, cachedTokens }) => {
    return once + promptTokens - cachedTokens + answerTokens - 1;
  }, 0);
}

function total(steps: readonly StepFacts[], name: "tokens" | "sequences"): number {
  return steps.reduce((sum, facts) => sum + facts[name], 0);
}

interface Recording {
  readonly arm: ArmName;
  readonly parts: RunParts;
  readonly options: Pick<EngineOptions, "sequencesMax" | "admission" | "scheduling">;
  readonly records: readonly RequestRecord[];
  readonly latency: LatencyCoefficients;
  /** Seconds between two steps. */
  readonly idle: number;
}

function recordedRun({ arm, parts, options, records, latency, idle }: Recording): RecordedRun {
  const coefficients = { ...latency, secondsBetweenSteps: Math.max(0, idle) };
  return {
    name: `bench admission, ${arm}`,
    limits: parts.model.runner.limits,
    options,
    coefficients,
    records,
  };
}
