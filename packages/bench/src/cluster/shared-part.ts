// Prompts with shared prefixes before several workers, each of which has room for a third of the
// prefixes in use: where a prompt goes decides whether its prefix is there.

import { comparePolicies } from "./compare-policies.ts";
import { lociFleetArm } from "./loci-fleet.ts";
import type { PlacementCase } from "./placement-runs.ts";
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
  return comparePolicies(session, subject, workload);
}
