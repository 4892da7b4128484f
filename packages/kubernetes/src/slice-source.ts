// The part of the Kubernetes API that discovery needs. The client library is large, so it is only
// loaded by who asks for Kubernetes.

import type { DiscoveryV1Api, Watch } from "@kubernetes/client-node";

import { LociError } from "@loci/core";
import { loadKubernetesClient } from "./kubernetes-client.ts";

/** One line of a watch. */
export interface SliceEvent {
  /** A bookmark says nothing but the present version. */
  readonly type: "put" | "removed" | "bookmark";
  /** As the API has it. */
  readonly object: unknown;
}

export interface SliceList {
  /** As the API has them. */
  readonly slices: readonly unknown[];
  /** A watch goes on from here. */
  readonly resourceVersion: string;
}

export interface SliceSource {
  /** All slices of the service now. */
  list(): Promise<SliceList>;
  /**
   * Tells changes from there on until the server ends the stream, then resolves: `expired` when the
   * server does not remember that far back. Rejects when it cannot be reached or refuses.
   */
  watch(resourceVersion: string, rules: WatchRules): Promise<"ended" | "expired">;
}

export interface WatchRules {
  readonly signal: AbortSignal;
  onEvent(event: SliceEvent): void;
}

export interface SliceSourceOptions {
  /** Null: the namespace of the context, or of the pod. */
  readonly namespace: string | null;
  readonly serviceName: string;
  /** Null: as kubectl would find it, or the pod's own account. */
  readonly kubeconfigPath: string | null;
}

const pageSlices = 64;
const pagesMax = 16;
/** The server ends a watch after so long; it is then begun again. */
const watchSecondsMax = 300;
const goneStatus = 410;

/** @throws LociError config_invalid when there is no cluster to ask */
export async function openSliceSource(options: SliceSourceOptions): Promise<SliceSource> {
  const library = await loadKubernetesClient();
  const config = new library.KubeConfig();
  try {
    if (options.kubeconfigPath === null) config.loadFromDefault();
    else config.loadFromFile(options.kubeconfigPath);
  } catch (error) {
    throw new LociError("config_invalid", "The Kubernetes configuration cannot be read.", {
      remedy: "Check KUBECONFIG, or run as a pod with a service account.",
      cause: error,
    });
  }
  const context = config.getContextObject(config.getCurrentContext());
  return new ApiSliceSource(
    options.namespace ?? context?.namespace ?? "default",
    `kubernetes.io/service-name=${options.serviceName}`,
    { api: config.makeApiClient(library.DiscoveryV1Api), watch: new library.Watch(config) },
  );
}

interface ApiClients {
  readonly api: DiscoveryV1Api;
  readonly watch: Watch;
}

class ApiSliceSource implements SliceSource {
  readonly #namespace: string;
  readonly #labelSelector: string;
  readonly #clients: ApiClients;

  constructor(namespace: string, labelSelector: string, clients: ApiClients) {
    this.#namespace = namespace;
    this.#labelSelector = labelSelector;
    this.#clients = clients;
  }

  async list(): Promise<SliceList> {
    const slices: unknown[] = [];
    let next: string | undefined;
    for (let page = 0; page < pagesMax; page++) {
      const answer = await this.#clients.api.listNamespacedEndpointSlice({
        namespace: this.#namespace,
        labelSelector: this.#labelSelector,
        limit: pageSlices,
        ...(next !== undefined && { _continue: next }),
      });
      slices.push(...answer.items);
      const { resourceVersion = "", _continue: token = "" } = answer.metadata ?? {};
      if (token === "") return { slices, resourceVersion };
      next = token;
    }
    throw new LociError("internal", "The service has more endpoints than are looked at.");
  }

  async watch(resourceVersion: string, rules: WatchRules): Promise<"ended" | "expired"> {
    const { signal } = rules;
    const { promise, resolve, reject } = Promise.withResolvers<"ended" | "expired">();
    let isExpired = false;
    const path = `/apis/discovery.k8s.io/v1/namespaces/${this.#namespace}/endpointslices`;
    const controller = await this.#clients.watch.watch(
      path,
      {
        labelSelector: this.#labelSelector,
        resourceVersion,
        allowWatchBookmarks: true,
        timeoutSeconds: watchSecondsMax,
      },
      (phase, object: unknown) => {
        if (signal.aborted) return;
        if (phase === "ERROR") isExpired = true;
        else rules.onEvent({ type: eventTypes[phase] ?? "bookmark", object });
      },
      (error: unknown) => {
        if (isExpired || statusOf(error) === goneStatus) resolve("expired");
        else if (error === null || signal.aborted || isQuiet(error)) resolve("ended");
        else reject(error);
      },
    );
    const stop = (): void => controller.abort();
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }
}

const eventTypes: Readonly<Record<string, SliceEvent["type"]>> = {
  ADDED: "put",
  MODIFIED: "put",
  DELETED: "removed",
  BOOKMARK: "bookmark",
};

/** The client ends a watch on which nothing came for 30 s. */
function isQuiet(error: unknown): boolean {
  return error instanceof Error && (error.name === "TimeoutError" || error.name === "AbortError");
}

function statusOf(error: unknown): number | null {
  if (typeof error !== "object" || error === null) return null;
  const status: unknown = Reflect.get(error, "statusCode") ?? Reflect.get(error, "code");
  return typeof status === "number" ? status : null;
}
