// Workers as Preble had them (digest 3.5 to 3.7): engines that promise no memory to answers, know
// nothing of how long these will be, compute prompts in chunks of 512 tokens and give up what was
// used least recently. Its own policies come with its own order inside a worker; the engines behind
// the others serve in order of arrival.
//
// Of what was published this leaves out: the baseline's engine had no chunks and preferred the
// longest match among those who wait.

import type { EngineOptions } from "@loci/engine";
import type { PolicyName } from "@loci/router";
import type { ServerParts } from "../run/sim-server.ts";

const chunkTokens = 512;
const ownPolicies: ReadonlySet<PolicyName> = new Set(["e2", "e2-code"]);

/** So many of them behind a policy, where `server` says what device and memory each has. */
export function publishedWorkers(
  server: ServerParts,
  count: number,
  policy: PolicyName,
): ServerParts[] {
  const { lengths: _, ...parts } = server;
  const options: Partial<EngineOptions> = {
    ...server.options,
    admission: "paged",
    eviction: "lru",
    stepTokensMax: chunkTokens,
    scheduling: ownPolicies.has(policy) ? "preble" : "fcfs",
  };
  return Array.from({ length: count }, () => ({ ...parts, options }));
}
