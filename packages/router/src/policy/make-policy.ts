// The policies by their names in settings.

import { PeerCopies } from "../price/peer-copies.ts";
import type { PolicyName, RouterOptions } from "../router-options.ts";
import type { SessionHomes } from "../sessions/session-homes.ts";
import { CacheAware } from "./cache-aware.ts";
import { Dynamo } from "./dynamo.ts";
import { E2Code } from "./e2/e2-code.ts";
import { E2 } from "./e2/e2.ts";
import { LeastRequests } from "./least-requests.ts";
import { LlmD } from "./llm-d.ts";
import { LMetric } from "./l-metric.ts";
import type { PlacementPolicy } from "./placement-policy.ts";
import { RoundRobin } from "./round-robin.ts";
import { Seconds } from "./seconds.ts";
import { SessionHash } from "./session-hash.ts";

type Maker = (options: RouterOptions, homes: SessionHomes) => PlacementPolicy;

const makers: Readonly<Record<PolicyName, Maker>> = {
  seconds: ({ fetchSecondsPerBlock }, homes) =>
    new Seconds(homes, new PeerCopies(fetchSecondsPerBlock)),
  e2: () => new E2(),
  "e2-code": () => new E2Code(),
  "round-robin": () => new RoundRobin(),
  "least-requests": () => new LeastRequests(),
  "session-hash": () => new SessionHash(),
  "cache-aware": () => new CacheAware(),
  "l-metric": () => new LMetric(),
  dynamo: () => new Dynamo(),
  "llm-d": () => new LlmD(),
};

/** The policy that the options name. */
export function makePolicy(options: RouterOptions, homes: SessionHomes): PlacementPolicy {
  return makers[options.policy](options, homes);
}
