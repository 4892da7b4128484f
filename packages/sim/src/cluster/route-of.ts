// What a router is told of a request that a worker will get.

import type { GenerationRequest } from "@loci/core";
import type { RouteRequest } from "@loci/router";

/** The request as a router sees it. */
export function routeOf(spec: GenerationRequest): RouteRequest {
  const { id, tenant, promptTokens, maxTokens, minTokens, ignoreEos, sessionKey, userText } = spec;
  return {
    id,
    tenant,
    promptTokens,
    maxTokens,
    minTokens,
    ignoreEos,
    temperature: spec.sampling.temperature,
    ...(sessionKey !== undefined && { sessionKey }),
    ...(userText !== undefined && { userText }),
  };
}
