// Many conversations at the same time, each at its own moments: the same messages and the same pattern
// of pauses at every load, only stretched. Pauses are exponential, rescaled so that every conversation
// pauses for the same time in all; so none trails behind and a run ends with its load.

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
    const total = gaps.reduce((sum, gap) => sum + gap, 0);
    const [first = 0, ...rest] = gaps.map((gap) => (gap / total) * gaps.length * meanMs);
    return Object.assign(plan, { startMs: first, thinkMs: 0, thinkMsOfTurn: rest });
  });
}
