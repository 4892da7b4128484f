// The same requests under several routing policies: fresh processes for each run, all policies once
// forward and once backward in turn, so that a drift of the machine touches all alike.

import { defined } from "@loci/core";
import type { PolicyName } from "@loci/router";
import type { ServeArm } from "../load/arms.ts";
import type { RequestRecord } from "../load/run-workload.ts";
import { serveRun, type ServeRunResult } from "../load/serve-run.ts";
import type { RunningServer } from "../load/server-process.ts";
import type { ConversationPlan, WorkloadShape } from "../load/workload.ts";
import { shortNumber } from "../measure/report.ts";
import { percentile } from "../measure/statistics.ts";
import { baselinePolicy, measuredPolicy } from "./cluster-options.ts";
import type { PartName } from "./cluster-options.ts";
import type { Session } from "./session.ts";
import { wakeWorkers } from "./workers-alive.ts";

export interface PlacementCase {
  readonly part: PartName;
  readonly workers: number;
  /** Requests at the same time, at most; Infinity = no bound. */
  readonly requestsMax: number;
  /** The same for all policies of a pair, and other tokens for every pair. */
  plans(pair: number): readonly ConversationPlan[];
  /** What serves with this policy. `label` names its files. */
  open(policy: PolicyName, label: string): Promise<Fleet>;
}

/** Servers that are there before the router, and the router. */
export interface Fleet extends AsyncDisposable {
  readonly arm: ServeArm;
  readonly companions: readonly RunningServer[];
}

export interface PolicyRun {
  readonly pair: number;
  readonly result: ServeRunResult;
  readonly records: readonly RequestRecord[];
}

export type PolicyRuns = ReadonlyMap<PolicyName, readonly PolicyRun[]>;

/** Runs of every policy in every pair; the baseline is always among them. */
export async function placementRuns(session: Session, subject: PlacementCase): Promise<PolicyRuns> {
  const { options, quick } = session;
  const policies = [...new Set([measuredPolicy, ...options.policies, baselinePolicy])];
  const runs = new Map<PolicyName, PolicyRun[]>(policies.map((policy) => [policy, []]));
  for (let pair = 0; pair < (quick ? 1 : options.pairs); pair++) {
    const isForward = (pair + options.seed) % 2 === 0;
    for (const policy of isForward ? policies : policies.toReversed()) {
      defined(runs.get(policy)).push(await runOnce(session, subject, { policy, pair }));
    }
  }
  return runs;
}

interface RunPlace {
  readonly policy: PolicyName;
  readonly pair: number;
}

async function runOnce(
  session: Session,
  subject: PlacementCase,
  { policy, pair }: RunPlace,
): Promise<PolicyRun> {
  const { output, cores, tokenIds, clock } = session;
  const { workers, requestsMax } = subject;
  const label = `${subject.part}-${pair}-${policy}`;
  await using fleet = await subject.open(policy, label);
  const records: RequestRecord[] = [];
  const result = await serveRun({
    arm: fleet.arm,
    companions: fleet.companions,
    serverCores: cores.serverCores,
    shape: shapeOf(session),
    plans: subject.plans(pair),
    requestsMax,
    warmUp: (target, model) => wakeWorkers(target, model, { workers, tokenIds }),
    resultFolder: output.folder,
    label,
    clock,
    progress: () => {},
    onRequest: (record) => records.push(record),
  });
  const run = { pair, result, records };
  output.progress(`${label}: ${runLine(run)}`);
  return run;
}

/** Only what a plan of its own leaves open. */
function shapeOf({ tokenIds, options }: Session): WorkloadShape {
  const none = { conversations: 0, turns: 0, systemTokens: 0, messageTokens: 0, answerTokens: 0 };
  return { ...none, startsPerSecond: 1, thinkSeconds: 0, tokenIds, seed: options.seed };
}

function runLine({ result, records }: PolicyRun): string {
  const { figures, firstError, voided } = result;
  if (figures === null) return `no request succeeded (${firstError ?? "no reason given"})`;
  const endToEnd = records.map(({ sendMs, endMs }) => endMs - sendMs);
  const words = [
    `${shortNumber(figures.outputTokensPerSecond)} tok/s`,
    `TTFT p50 ${shortNumber(figures.ttftMsP50)} ms`,
    `end to end p50 ${shortNumber(figures.endToEndMsP50)}, p99 ${shortNumber(percentile(endToEnd, 0.99))} ms`,
    `cached ${(100 * figures.cachedFraction).toFixed(0)} %`,
  ];
  if (figures.requestsFailed > 0) words.push(`${figures.requestsFailed} failed: ${firstError}`);
  if (voided !== null) words.push(`noisy: ${voided}`);
  return words.join(", ");
}
