// Growing conversations before several workers, each of which has room for its fair share of the
// histories and a little more: a turn that goes where the last one was computed finds its history.

import { interleavedPlan } from "../multiturn/interleaved-plan.ts";
import { contextTokensNeeded } from "../load/workload.ts";
import { comparePolicies } from "./compare-policies.ts";
import { lociFleetArm } from "./loci-fleet.ts";
import type { PlacementCase } from "./placement-runs.ts";
import type { PartReport, Session } from "./session.ts";

const fullShape = {
  conversations: 24,
  turns: 6,
  systemTokens: 0,
  messageTokens: 96,
  answerTokens: 32,
};
const quickShape = { ...fullShape, conversations: 6, turns: 3, messageTokens: 48, answerTokens: 4 };
/** A worker's pool over its share of the histories at their ends. */
const poolToShare = 1.25;
/** Mean pause of a conversation between turns. */
const thinkSeconds = 0.5;

export async function multiturnPart(session: Session): Promise<PartReport> {
  const { options, quick, tokenIds } = session;
  const { workers, seed } = options;
  const shape = { ...(quick ? quickShape : fullShape), startsPerSecond: 1, thinkSeconds: 0 };
  const contextTokens = 32 * Math.ceil(contextTokensNeeded(shape) / 32);
  const share = (contextTokens * shape.conversations) / workers;
  const poolTokens = Math.ceil(poolToShare * share);
  const offered = quick ? Number.POSITIVE_INFINITY : shape.conversations / thinkSeconds;
  const subject: PlacementCase = {
    part: "multiturn",
    workers,
    requestsMax: Number.POSITIVE_INFINITY,
    plans: (pair) => interleavedPlan({ ...shape, tokenIds, seed: seed + 1000 * pair }, offered),
    open: async (policy) => ({
      arm: lociFleetArm(session, { policy, workers, poolTokens, contextTokens }),
      companions: [],
      [Symbol.asyncDispose]: async () => {},
    }),
  };
  const { conversations, turns, messageTokens, answerTokens } = shape;
  const workload = { conversations, turns, messageTokens, answerTokens, thinkSeconds };
  return comparePolicies(session, subject, { ...workload, workers, poolTokens });
}
