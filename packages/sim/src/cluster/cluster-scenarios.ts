// The workloads that policies are compared on: what is asked of which kind of worker, how it comes,
// and what users put up with.
//
// Load is a multiple of what the workers could do if nothing were ever cached: at 1.5 a cluster that
// finds less than a third of its work in its caches falls behind.

import { assert, defined, Random } from "@loci/core";
import type { ServerParts } from "../run/sim-server.ts";
import type { ServiceLevel } from "../run/summary.ts";
import { arrivalTimes } from "../workload/arrivals.ts";
import { hastened } from "../workload/generators.ts";
import { recordedTimes, requestsAt } from "../workload/azure-gaps.ts";
import { prebleRequests, prebleShapes } from "../workload/preble-shapes.ts";
import {
  groupedPromptsDefault,
  groupedRequests,
  repeated,
  withSharedPrefixes,
} from "../workload/shared-prefixes.ts";
import type { SimRequest, Workload } from "../workload/sim-request.ts";
import { serverOf, uncachedSeconds, workerKind } from "./worker-kinds.ts";
import type { WorkerKindName } from "./worker-kinds.ts";

/** Recorded traces, as far as they are at hand. */
export interface Traces {
  readonly mooncakeConversation?: readonly SimRequest[];
  readonly mooncakeSynthetic?: readonly SimRequest[];
  readonly azureCode?: readonly SimRequest[];
  readonly azureConversation?: readonly SimRequest[];
  /** Mooncake's prompts were divided by this, and memories are: the same pressure in less work. */
  readonly mooncakeDivisor?: number;
}

export interface ScenarioSize {
  readonly requests: number;
  readonly workers: number;
  readonly load: number;
  readonly seed: number;
}

export interface ClusterScenario {
  readonly name: string;
  readonly kind: WorkerKindName;
  readonly level: ServiceLevel;
  /** Share of the kind's memory that each worker has. */
  readonly kvShare: number;
  /** At which policies are compared, from easy to hard. */
  readonly loads: readonly number[];
  /** Share of the requests that a run of the whole comparison takes: long prompts cost time. */
  readonly sizeShare: number;
  /** Requests in order of their times at load 1 and one worker's rate; scaled by `workloadOf`. */
  readonly requests: (count: number, seed: number) => readonly SimRequest[];
}

const burstLevel: ServiceLevel = { ttftMs: 2000, tpotMs: 100 };
const longLevel: ServiceLevel = { ttftMs: 5000, tpotMs: 200 };

/** All scenarios whose traces are at hand. */
export function clusterScenarios(traces: Traces): ClusterScenario[] {
  return [...prebleScenarios(), groupedScenario(), ...traceScenarios(traces)];
}

/** What each of the scenario's workers is. */
export function scenarioServer({ kind, kvShare }: ClusterScenario): ServerParts {
  const whole = workerKind(kind);
  return serverOf({ ...whole, kvTokens: Math.floor(whole.kvTokens * kvShare) });
}

/** The scenario's requests, made so fast that the workers have this load. */
export function workloadOf(scenario: ClusterScenario, size: ScenarioSize): Workload {
  const { requests: count, workers, load, seed } = size;
  const requests = scenario.requests(count, seed);
  const kind = workerKind(scenario.kind);
  const work = requests.reduce((sum, request) => sum + uncachedSeconds(kind, request), 0);
  const lastMs = defined(requests.at(-1)).arrivalMs;
  assert(lastMs > 0, "requests come one after the other");
  const factor = (1000 * work) / (workers * load) / lastMs;
  return {
    name: scenario.name,
    requests: hastened(requests, 1 / factor),
    clients: null,
  };
}

/** Loads that leave a cluster with good placement at some 40 to 90 % of its time, by workload. */
const prebleLoads: Readonly<Record<string, readonly number[]>> = {
  toolbench: [1, 1.5, 2],
  agent: [1.5, 2.5, 3.5],
  programming: [0.8, 1.2, 1.6],
  video: [1, 1.5, 2],
  loogle: [1, 1.5, 2],
};

function prebleScenarios(): ClusterScenario[] {
  return prebleShapes.map((shape): ClusterScenario => {
    const { contextTokensMax } = workerKind("a6000");
    const isLong = shape.prompt.mean > 5000;
    return {
      name: shape.name,
      kind: "a6000",
      level: isLong ? longLevel : burstLevel,
      loads: prebleLoads[shape.name] ?? [1],
      kvShare: 1,
      sizeShare: isLong ? 0.5 : 1,
      requests: (count, seed) =>
        poisson(prebleRequests(shape, { count, seed, contextTokensMax }), seed),
    };
  });
}

function groupedScenario(): ClusterScenario {
  return {
    name: "shared-prefix",
    kind: "mock",
    level: burstLevel,
    loads: [0.9, 1.3, 1.8],
    kvShare: 1,
    sizeShare: 1,
    requests: (count, seed) => {
      const { promptsPerGroup } = groupedPromptsDefault;
      const groups = Math.ceil(count / promptsPerGroup);
      const all = groupedRequests({ ...groupedPromptsDefault, groups }, seed);
      return poisson(repeated(all, count), seed);
    },
  };
}

function traceScenarios(traces: Traces): ClusterScenario[] {
  const { mooncakeConversation, mooncakeSynthetic, azureCode, azureConversation } = traces;
  const scenarios: ClusterScenario[] = [];
  const recorded = (name: string, trace: readonly SimRequest[], loads: readonly number[]): void => {
    const requests = (count: number): readonly SimRequest[] => trace.slice(0, count);
    const kvShare = 1 / (traces.mooncakeDivisor ?? 1);
    const rest = { kind: "a100", level: longLevel, sizeShare: 1, kvShare } as const;
    scenarios.push({ name, loads, requests, ...rest });
  };
  if (mooncakeConversation)
    recorded("mooncake-conversation", mooncakeConversation, [0.6, 0.75, 0.9]);
  if (mooncakeSynthetic) recorded("mooncake-synthetic", mooncakeSynthetic, [0.6, 0.8, 1]);
  if (azureCode) scenarios.push(...burstScenarios(azureCode));
  if (azureConversation) {
    const requests = (count: number): readonly SimRequest[] => azureConversation.slice(0, count);
    const [loads, level] = [[0.6, 0.8], burstLevel];
    const rest = { kind: "a100", level, sizeShare: 1, kvShare: 1 } as const;
    scenarios.push({ name: "azure-conv", loads, requests, ...rest });
  }
  return scenarios;
}

/** Repositories that requests for code are about, and the share of a prompt that is theirs. */
const codeGroups = 200;
const codeSharedShare = 0.75;

function burstScenarios(azureCode: readonly SimRequest[]): ClusterScenario[] {
  const { contextTokensMax } = workerKind("a6000");
  const [toolbench, video] = [shapeNamed("toolbench"), shapeNamed("video")];
  return [
    {
      name: "azure-code",
      kind: "a100",
      level: burstLevel,
      loads: [0.4, 0.7, 1],
      kvShare: 1,
      sizeShare: 1,
      requests: (count, seed) =>
        withSharedPrefixes(azureCode.slice(0, count), {
          groups: codeGroups,
          sharedShare: codeSharedShare,
          seed,
        }),
    },
    {
      // Preble's own test of bursts: two of its workloads mixed, at the times of Azure's trace.
      name: "mixed-burst",
      kind: "a6000",
      level: longLevel,
      loads: [0.7, 1, 1.4],
      kvShare: 1,
      sizeShare: 0.5,
      requests: (count, seed) => {
        const half = Math.ceil(count / 2);
        const options = { count: half, seed, contextTokensMax };
        const [one, other] = [prebleRequests(toolbench, options), prebleRequests(video, options)];
        const mixed = one.flatMap((request, index) => [request, defined(other[index])]);
        return requestsAt(mixed, recordedTimes(azureCode, mixed.length, 1));
      },
    },
  ];
}

function shapeNamed(name: string): (typeof prebleShapes)[number] {
  return defined(prebleShapes.find((shape) => shape.name === name));
}

const arrivalStream = 0x7a11;

function poisson(requests: readonly SimRequest[], seed: number): readonly SimRequest[] {
  const random = new Random(seed ^ arrivalStream);
  const options = { count: requests.length, ratePerSecond: 1, variation: 1 };
  return requestsAt(requests, arrivalTimes(random, options));
}
