// Many conversations at the same time, each at its own moments: the same messages and the same pattern
// of pauses at every load, only stretched. Pauses are exponential, one before each turn and one after
// the last, rescaled so that they fill the same time for every conversation: turns come at an even rate
// from the first to the last moment, and no conversation trails behind.

import { Random } from "@loci/core";
import { planWorkload, type ConversationPlan, type WorkloadShape } from "../load/workload.ts";

/** `requestsPerSecond` is what is offered if answers took no time; Infinity = no pauses at all. */
export function interleavedPlan(
  shape: WorkloadShape,
  requestsPerSecond: number,
): readonly ConversationPlan[] {
  const random = new Random(shape.seed + 1);
  const meanMs = (1000 * shape.conversations) / requestsPerSecond;
  return planWorkload(shape).map((plan) => {
    const gaps = plan.messages.map(() => -Math.log(1 - random.next()));
    const afterLast = -Math.log(1 - random.next());
    const total = gaps.reduce((sum, gap) => sum + gap, afterLast);
    const [first = 0, ...rest] = gaps.map((gap) => (gap / total) * gaps.length * meanMs);
    return Object.assign(plan, { startMs: first, thinkMs: 0, thinkMsOfTurn: rest });
  });
}
