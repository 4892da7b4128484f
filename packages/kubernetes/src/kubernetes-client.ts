// The official client: large, and loaded only where workers are found through Kubernetes.

import type * as KubernetesClient from "@kubernetes/client-node";
import { loadOptional } from "@loci/core";

/** @throws LociError config_invalid when it is not installed */
export function loadKubernetesClient(): Promise<typeof KubernetesClient> {
  return loadOptional({
    name: "@kubernetes/client-node",
    major: 2,
    neededFor: "Finding workers through Kubernetes",
    load: () => import("@kubernetes/client-node"),
  });
}
