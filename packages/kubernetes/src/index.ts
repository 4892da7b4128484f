// Public names of the package: workers found through Kubernetes.

export { loadKubernetesClient } from "./kubernetes-client.ts";
export { KubernetesDirectory } from "./kubernetes-directory.ts";
export type { KubernetesDirectoryOptions } from "./kubernetes-directory.ts";
