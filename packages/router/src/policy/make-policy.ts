// The policies by their names in settings.

import { PeerCopies } from "../price/peer-copies.ts";
import type { RouterOptions } from "../router-options.ts";
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

export function makePolicy(options: RouterOptions, homes: SessionHomes): PlacementPolicy {
  switch (options.policy) {
    case "round-robin":
      return new RoundRobin();
    case "least-requests":
      return new LeastRequests();
    case "session-hash":
      return new SessionHash();
    case "cache-aware":
      return new CacheAware();
    case "dynamo":
      return new Dynamo();
    case "llm-d":
      return new LlmD();
    case "seconds":
      return new Seconds(homes, new PeerCopies(options.fetchSecondsPerBlock));
    case "l-metric":
      return new LMetric();
    case "e2":
      return new E2();
    case "e2-code":
      return new E2Code();
  }
}
