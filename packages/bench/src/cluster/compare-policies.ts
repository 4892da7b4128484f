// A part that compares policies before our own workers: its runs, table, bars and figures.

import { atLeast, atMost, type Bar } from "../measure/report.ts";
import { measuredPolicy, type PartName } from "./cluster-options.ts";
import {
  placementTable,
  sameAnswers,
  summarise,
  summaryFigures,
  type PolicySummary,
} from "./placement-report.ts";
import { placementRuns, type PlacementCase } from "./placement-runs.ts";
import type { PartReport, Session } from "./session.ts";

const throughputBar = 1.5;
const p99Bar = 0.5;

/** `workload` is told with the figures. */
export async function comparePolicies(
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
