// A model through every arm, set by set; what was compared, how far logits differ, every flip.

import { assert, defined } from "@loci/core";
import type { LoadedModel } from "@loci/model";

import { arms as allArms, restoredTokens } from "./arms.ts";
import type { Arm } from "./arms.ts";
import { compareAnswers, toleranceMax } from "./compare-answers.ts";
import type { Flip } from "./compare-answers.ts";
import type { Conversation } from "./conversations.ts";
import { runArm, runReference } from "./run-arm.ts";

/** A path must be taken in at least this share of the sets: who is preempted is a matter of luck. */
const takenShareMin = 0.8;

export interface NamedFlip extends Flip {
  readonly model: string;
  readonly arm: string;
  readonly conversation: number;
}

export interface ArmReport {
  readonly model: string;
  readonly arm: string;
  readonly prompts: number;
  readonly tokensCompared: number;
  readonly cachedTokens: number;
  readonly restoredFromHost: number;
  readonly restoredFromDisk: number;
  readonly recomputedTokens: number;
  readonly preemptions: number;
  readonly errorMax: number;
  readonly flips: readonly NamedFlip[];
  readonly sets: number;
  /** Those in which the counters show that the path was taken. */
  readonly setsTaken: number;
}

export interface EquivalenceOptions {
  readonly model: LoadedModel;
  readonly name: string;
  readonly conversations: readonly Conversation[];
  /** Conversations that share the memories at a time. */
  readonly setSize: number;
  readonly folder: string;
  /** All when absent. */
  readonly arms?: readonly Arm[];
  /** Told after every set. */
  readonly onSet?: (conversationsDone: number) => void;
}

export async function measureEquivalence(
  options: EquivalenceOptions,
): Promise<readonly ArmReport[]> {
  const { model, name, conversations, setSize, folder, arms = allArms } = options;
  const reports = new Map(arms.map((arm) => [arm, emptyReport(name, arm.name)]));
  for (let start = 0; start < conversations.length; start += setSize) {
    const set = conversations.slice(start, start + setSize);
    const expected = await runReference(model, set);
    for (const arm of arms) {
      const { answers, snapshot } = await runArm(model, set, { arm, folder });
      const report = defined(reports.get(arm));
      report.prompts += set.length;
      report.sets++;
      report.setsTaken += arm.wasTaken(snapshot) ? 1 : 0;
      report.cachedTokens += answers.reduce((sum, answer) => sum + answer.cachedTokens, 0);
      report.preemptions += snapshot.preemptions;
      report.recomputedTokens += snapshot.kvDevice?.recomputedTokens ?? 0;
      report.restoredFromHost += restoredTokens(snapshot, "host");
      report.restoredFromDisk += restoredTokens(snapshot, "disk");
      for (const [index, found] of answers.entries()) {
        const { errorMax, flip, tokensCompared } = compareAnswers(defined(expected[index]), found);
        report.errorMax = Math.max(report.errorMax, errorMax);
        report.tokensCompared += tokensCompared;
        const conversation = start + index;
        if (flip) report.flips.push({ ...flip, model: name, arm: arm.name, conversation });
      }
    }
    options.onSet?.(start + set.length);
  }
  assert(reports.size === arms.length, "every arm has its report");
  return [...reports.values()];
}

/** What is wrong with a report; empty when nothing is. */
export function findProblems(report: ArmReport): string[] {
  const { model, arm, flips, errorMax, sets, setsTaken } = report;
  const problems: string[] = [];
  if (setsTaken < sets * takenShareMin) {
    problems.push(`${model}, ${arm}: taken in ${setsTaken} of ${sets} sets only`);
  }
  if (errorMax > toleranceMax) {
    problems.push(`${model}, ${arm}: logits differ by ${errorMax.toExponential(2)}`);
  }
  for (const { margin, conversation, position } of flips) {
    if (margin <= toleranceMax) continue;
    const where = `conversation ${conversation}, token ${position}`;
    problems.push(`${model}, ${arm}: ${where} flips by ${margin.toExponential(2)}`);
  }
  return problems;
}

interface GrowingReport extends ArmReport {
  prompts: number;
  tokensCompared: number;
  cachedTokens: number;
  restoredFromHost: number;
  restoredFromDisk: number;
  recomputedTokens: number;
  preemptions: number;
  errorMax: number;
  sets: number;
  setsTaken: number;
  readonly flips: NamedFlip[];
}

function emptyReport(model: string, arm: string): GrowingReport {
  return {
    model,
    arm,
    prompts: 0,
    tokensCompared: 0,
    cachedTokens: 0,
    restoredFromHost: 0,
    restoredFromDisk: 0,
    recomputedTokens: 0,
    preemptions: 0,
    errorMax: 0,
    flips: [],
    sets: 0,
    setsTaken: 0,
  };
}
