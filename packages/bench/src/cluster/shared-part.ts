// Prompts with shared prefixes before several workers, each of which has room for a third of the
// prefixes in use: where a prompt goes decides whether its prefix is there.

import { atLeast, atMost, type Bar } from "../measure/report.ts";
import { measuredPolicy, type PartName } from "./cluster-options.ts";
import { lociFleetArm } from "./loci-fleet.ts";
import { placementRuns, type PlacementCase } from "./placement-runs.ts";
import {
  placementTable,
  sameAnswers,
  summarise,
  summaryFigures,
  type PolicySummary,
} from "./placement-report.ts";
import type { PartReport, Session } from "./session.ts";
import {
  quickSharedPrefixShape,
  sharedPrefixPlan,
  sharedPrefixShape,
} from "./shared-prefix-plan.ts";

/** Under way for each worker. */
const requestsPerWorker = 4;
/** Of the prefixes in use at a time, what fits into one worker's pool beside what is under way. */
const prefixShare = 1 / 3;

export async function sharedPart(session: Session): Promise<PartReport> {
  const { options, quick, tokenIds } = session;
  const { workers, seed } = options;
  const shape = quick ? quickSharedPrefixShape : sharedPrefixShape;
  const ownTokens = 32 * Math.ceil((shape.questionTokens + shape.answerTokens) / 32);
  const prefixesHeld = Math.ceil(shape.groupsAtOnce * prefixShare);
  const poolTokens = prefixesHeld * shape.systemTokens + requestsPerWorker * ownTokens;
  const contextTokens = shape.systemTokens + ownTokens;
  const subject: PlacementCase = {
    part: "shared",
    workers,
    requestsMax: workers * requestsPerWorker,
    plans: (pair) => sharedPrefixPlan(shape, tokenIds, seed + 1000 * pair),
    open: async (policy) => ({
      arm: lociFleetArm(session, { policy, workers, poolTokens, contextTokens }),
      companions: [],
      [Symbol.asyncDispose]: async () => {},
    }),
  };
  const workload = { ...shape, workers, poolTokens, requestsMax: subject.requestsMax };
  return policiesReport(session, subject, workload);
}

/** Runs, table, bars and figures of a part that compares policies before our own workers. */
export async function policiesReport(
  session: Session,
  subject: PlacementCase,
  workload: Readonly<Record<string, number>>,
): Promise<PartReport> {
  const runs = await placementRuns(session, subject);
  const summaries = summarise(runs, session.options.seed);
  session.output.show(`${subject.part}\n${placementTable(summaries)}`);
  return {
    bars: policyBars(subject.part, summaries, session.quick),
    figures: {
      workload,
      policies: summaryFigures(summaries),
      sameAnswers: sameAnswers(runs, measuredPolicy),
    },
  };
}

const throughputBar = 1.5;
const p99Bar = 0.5;

function policyBars(
  part: PartName,
  summaries: readonly PolicySummary[],
  quick: boolean,
): readonly Bar[] {
  const failed = summaries.reduce((sum, each) => sum + each.failed, 0);
  const none = atMost(`${part}: failed requests`, failed, 0, "requests");
  if (quick) return [none];
  const measured = summaries.find(({ policy }) => policy === measuredPolicy);
  const throughput = measured?.throughput?.geometricMean ?? null;
  return [
    atLeast(`${part}: throughput, seconds : round-robin`, throughput, throughputBar, "x"),
    atMost(
      `${part}: p99 end to end, seconds : round-robin`,
      measured?.p99Ratio ?? null,
      p99Bar,
      "x",
    ),
    none,
  ];
}
