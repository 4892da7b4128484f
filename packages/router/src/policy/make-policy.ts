// The policies by their names in settings.

import type { PolicyName } from "../router-options.ts";
import { LeastRequests } from "./least-requests.ts";
import type { PlacementPolicy } from "./placement-policy.ts";
import { RoundRobin } from "./round-robin.ts";

export function makePolicy(name: PolicyName): PlacementPolicy {
  if (name === "round-robin") return new RoundRobin();
  return new LeastRequests();
}
