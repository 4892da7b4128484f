// A router and its links to workers: the same for workers of this machine and for a fleet.

import { systemClock } from "@loci/core";
import type { Config, GenerationService, ModelInfo } from "@loci/core";
import { openCluster } from "@loci/cluster";
import type { Cluster, ClusterParts } from "@loci/cluster";
import type { LoadedCodec } from "@loci/model";
import { defaultPredictor } from "@loci/predict";
import { Router } from "@loci/router";
import type { WorkerFacts } from "@loci/router";
import type { DebugCaptures } from "@loci/server";
import type { Tracer } from "@loci/telemetry";

import type { Backend, BackendFact } from "../serve/backend.ts";
import type { Logger } from "../serve/logger.ts";
import { routerCaptures } from "../telemetry/debug-captures.ts";
import { tracedApi } from "../telemetry/generation-spans.ts";
import { RoutedSpans } from "../telemetry/routed-spans.ts";
import { clusterAdmin } from "./cluster-admin.ts";
import { clusterSnapshot } from "./cluster-snapshot.ts";
import { clusterFacts } from "./cluster-facts.ts";
import { firstWorkers } from "./first-workers.ts";

/** Chance breaks ties and spreads retries: nothing that anyone would want to vary. */
const seed = 1;
/**
 * Believed of fetching a block from another worker until one has done so and says what it took: rather
 * too slow than too fast, so that only what takes long to compute is fetched at first.
 */
const fetchSecondsPerBlockFirst = 0.005;

export interface OpenRouter {
  readonly router: Router;
  readonly cluster: Cluster;
  readonly spans: RoutedSpans;
  readonly captures: DebugCaptures;
}

type Surroundings = Pick<
  ClusterParts,
  "key" | "directories" | "connect" | "withBlocks" | "onSent"
> & {
  readonly logger: Logger;
  readonly tracer: Tracer;
  readonly onHealth?: ClusterParts["onHealth"];
};

export function openRouter(
  config: Pick<Config, "routingPolicy" | "tenantRequestsMax" | "firstTokenMs">,
  { logger, tracer, onHealth, ...parts }: Surroundings,
): OpenRouter {
  const router = new Router(
    {
      policy: config.routingPolicy,
      tenantRequestsMax: config.tenantRequestsMax,
      firstTokenMs: config.firstTokenMs,
      fetchSecondsPerBlock: fetchSecondsPerBlockFirst,
    },
    { lengths: defaultPredictor({ seed }), seed },
  );
  const spans = new RoutedSpans({ tracer, explain: (id) => router.explain(id) });
  const cluster = openCluster({
    ...parts,
    wrapLink: (link) => spans.traced(link),
    router,
    clock: systemClock,
    seed,
    onAttemptFailed: (requestId, workerId, error) =>
      logger.warn({ requestId, workerId, failure: error.failure }, error.message),
    onHealth: (workerId, health) => {
      logger[health === "dead" ? "warn" : "debug"]({ workerId }, `worker ${health}`);
      onHealth?.(workerId, health);
    },
    onError: (error) => logger.error({ err: error }, "a worker could not be understood"),
  });
  return { router, cluster, spans, captures: routerCaptures(cluster, parts.key) };
}

/** What serves once the first workers are there. `close` ends what the cluster stands on, too. */
export async function routedBackend(
  routed: OpenRouter,
  codec: LoadedCodec,
  parts: {
    readonly name: string | null;
    /** So many are waited for. */
    readonly workers: number;
    readonly close: () => Promise<void>;
  },
): Promise<Backend> {
  const { cluster } = routed;
  const workers = await firstWorkers(cluster.table, parts.workers);
  const info = routedModel(codec.info, parts.name, workers);
  const facts: readonly BackendFact[] = clusterFacts(info, workers);
  const { service } = cluster;
  return {
    service: routedService(routed, info),
    cache: service,
    erasure: service,
    keepErasures: (log) => service.keepErasures(log),
    codec: codec.codec,
    info,
    admin: clusterAdmin(routed),
    observation: service,
    placements: service,
    captures: routed.captures,
    facts,
    // A router goes on whatever its workers do.
    failed: new Promise<never>(() => undefined),
    close: async () => {
      await parts.close();
      await codec.close();
    },
  };
}

/** The cluster's answers, and its counters with the router's own. */
export function routedService(
  { router, spans, cluster: { service } }: OpenRouter,
  { id: model }: Pick<ModelInfo, "id">,
): GenerationService {
  const { onSpan, tracer } = spans;
  const routed: GenerationService = {
    generate: (request, signal) => service.generate(request, signal),
    snapshot: () => ({ ...service.snapshot(), cluster: clusterSnapshot(router) }),
  };
  return tracedApi(routed, { tracer, model, onSpan, withPhases: false });
}

/** No prompt may be longer than the least of the workers takes. */
function routedModel(
  info: ModelInfo,
  name: string | null,
  workers: readonly WorkerFacts[],
): ModelInfo {
  const contextTokensMax = Math.min(...workers.map(({ contextTokensMax: own }) => own));
  return { ...info, id: name ?? info.id, contextTokensMax };
}
