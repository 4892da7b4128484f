// `loci serve` with several workers and a routing policy.

import type { PolicyName } from "@loci/router";
import { lociArm, type ServeArm } from "../load/arms.ts";
import { cacheArgs } from "../tiered/cache-args.ts";
import type { Session } from "./session.ts";

export interface LociFleet {
  readonly policy: PolicyName;
  readonly workers: number;
  /** Of each worker. */
  readonly poolTokens: number;
  readonly contextTokens: number;
}

/** Its workers have one thread each. */
export function lociFleetArm(
  { modelPath, cores, bytesPerToken }: Session,
  { policy, workers, poolTokens, contextTokens }: LociFleet,
): ServeArm {
  const extraArgs = [
    ...`--workers ${workers} --routing-policy ${policy} --ctx-size ${contextTokens}`.split(" "),
    "--store",
    "none",
    ...cacheArgs({ bytesPerToken, poolTokens, hostTokens: 0, diskPath: null }),
  ];
  return lociArm({ modelPath, cores, contextTokens, extraArgs });
}
