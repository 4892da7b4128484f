// The policies that the settings name, built over what they all share.

import { defined } from "@loci/core";
import type { LatencyModel } from "@loci/core";
import { admissionOf } from "./admission/admission.ts";
import type { AdmissionPolicy } from "./admission/admission-policy.ts";
import { PeakForecast } from "./admission/peak-forecast.ts";
import { RiskLevel } from "./admission/risk-level.ts";
import type { PrefixIndex } from "./kv/prefix-index.ts";
import type { EngineOptions } from "./options.ts";
import { ArrivalOrder, LargestFirstOrder } from "./order/arrival-order.ts";
import { PrebleOrder } from "./order/preble-order.ts";
import { ShortestOrder } from "./order/shortest-order.ts";
import { TenantDeficits } from "./order/tenant-deficits.ts";
import { WaitBound } from "./order/wait-bound.ts";
import type { WaitingOrder } from "./order/waiting-order.ts";
import { WorkEstimate } from "./order/work-estimate.ts";

export interface SchedulingParts {
  readonly policy: AdmissionPolicy;
  readonly order: WaitingOrder;
  readonly work: WorkEstimate;
  readonly risk: RiskLevel;
  /** For reports of the load. */
  readonly peakAhead: PeakForecast;
}

export function schedulingParts(
  { admission, scheduling }: Pick<EngineOptions, "admission" | "scheduling">,
  index: PrefixIndex,
  model: LatencyModel,
): SchedulingParts {
  const { blockCount, blockTokens } = index;
  const risk = new RiskLevel(model);
  const work = new WorkEstimate(model);
  const tokensMax = blockCount * blockTokens;
  const peak = new PeakForecast(blockTokens, tokensMax);
  const policy = admissionOf(admission, {
    blockCount,
    blockTokens,
    peak,
    risk,
    blocksOwned: ({ blocks }) => index.ownedCount(defined(blocks)),
  });
  const order = orderOf(admission, scheduling, { index, work });
  const peakAhead = new PeakForecast(blockTokens, tokensMax, peak);
  return { policy, order, work, risk, peakAhead };
}

function orderOf(
  admission: EngineOptions["admission"],
  scheduling: EngineOptions["scheduling"],
  { index, work }: { readonly index: PrefixIndex; readonly work: WorkEstimate },
): WaitingOrder {
  // S³'s order is part of its packing.
  if (admission === "s3") return new LargestFirstOrder();
  if (scheduling === "fcfs") return new ArrivalOrder();
  if (scheduling === "preble") {
    return new PrebleOrder(({ spec, reusable }) => index.matchedTokens(spec.tenant, reusable));
  }
  const deficits = scheduling === "fair" ? new TenantDeficits() : null;
  return new ShortestOrder({ work, bound: new WaitBound(work), deficits });
}
