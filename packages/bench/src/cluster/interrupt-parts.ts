// Workers killed in the midst of answers, and workers that stand still.

import { atLeast, atMost, shortNumber, table, type Bar, type Figure } from "../measure/report.ts";
import { percentile } from "../measure/statistics.ts";
import { ClusterServer } from "./cluster-server.ts";
import {
  interruptAnswers,
  type InterruptedAnswer,
  type Interruption,
} from "./interrupted-answers.ts";
import { lociFleetArm } from "./loci-fleet.ts";
import type { PartReport, Session } from "./session.ts";

const killBarMs = 500;
const stallBarMs = 5000;
/** Each kind of answer once. */
const quickKills = 3;
const quickStalls = 1;
const poolTokens = 8192;
const contextTokens = 1024;

/** `kill -9` at a random token. */
export async function failoverPart(session: Session): Promise<PartReport> {
  const { options, quick } = session;
  await using server = await openServer(session, "failover");
  const answers = await interruptAnswers(session, server, {
    part: "failover",
    rounds: quick ? quickKills : options.kills,
    signal: "SIGKILL",
    mend: (pid) => server.whole(pid),
  });
  return report(session, { part: "failover", answers, barMs: killBarMs });
}

/** SIGSTOP at a random token; the worker goes on afterwards, the last one is left to its parent. */
export async function stallPart(session: Session): Promise<PartReport> {
  const { options, quick } = session;
  const rounds = quick ? quickStalls : options.stalls;
  await using server = await openServer(session, "stall");
  const mend: Interruption["mend"] = async (pid, round) => {
    const isLeft = !quick && round + 1 === rounds;
    if (!isLeft) process.kill(pid, "SIGCONT");
    await server.whole(isLeft ? pid : null);
  };
  const answers = await interruptAnswers(session, server, {
    part: "stall",
    rounds,
    signal: "SIGSTOP",
    mend,
  });
  return report(session, { part: "stall", answers, barMs: stallBarMs });
}

function openServer(session: Session, part: string): Promise<ClusterServer> {
  const { workers } = session.options;
  const policy = "seconds";
  const arm = lociFleetArm(session, { policy, workers, poolTokens, contextTokens });
  return ClusterServer.start(session, arm, part);
}

interface Result {
  readonly part: string;
  readonly answers: readonly InterruptedAnswer[];
  /** Of the pause beyond computing again. */
  readonly barMs: number;
}

function report({ output, quick }: Session, { part, answers, barMs }: Result): PartReport {
  const row = (name: string, pick: (answer: InterruptedAnswer) => number): readonly string[] => {
    const values = answers.map(pick);
    return [name, ...[0.5, 0.9, 0.99, 1].map((share) => shortNumber(percentile(values, share)))];
  };
  const rows = [
    row("pause", (answer) => answer.pauseMs),
    row("computing again", (answer) => answer.recomputeMs),
    row("added by the interruption", (answer) => answer.addedMs),
  ];
  output.show(table([[`${part}, ms`, "p50", "p90", "p99", "most"], ...rows]));
  const added = answers.map(({ addedMs }) => addedMs);
  const exact = answers.filter((answer) => answer.exact).length;
  const moved = answers.filter((answer) => answer.moved).length;
  const bars: Bar[] = [
    atLeast(`${part}: exact streams`, exact, answers.length, "streams"),
    atLeast(`${part}: answers that moved`, moved, answers.length, "answers"),
  ];
  if (!quick) {
    bars.push(atMost(`${part}: pause beyond recompute, p99`, percentile(added, 0.99), barMs, "ms"));
  }
  const kinds = [...new Set(answers.map(({ kind }) => kind))];
  return {
    bars,
    figures: {
      rounds: answers.length,
      exact,
      moved,
      exactByKind: Object.fromEntries(
        kinds.map((kind): [string, Figure] => [kind, exactOf(answers, kind)]),
      ),
      pauseMsP50: percentile(
        answers.map(({ pauseMs }) => pauseMs),
        0.5,
      ),
      addedMsP50: percentile(added, 0.5),
      addedMsP99: percentile(added, 0.99),
      addedMsMost: percentile(added, 1),
    },
  };
}

function exactOf(answers: readonly InterruptedAnswer[], kind: string): string {
  const own = answers.filter((answer) => answer.kind === kind);
  return `${own.filter(({ exact }) => exact).length} of ${own.length}`;
}
