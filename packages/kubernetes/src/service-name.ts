// The service whose endpoints are workers, as users name it: `[NAMESPACE/]NAME[:PORT]`.

import { LociError } from "@loci/core";

export interface ServiceName {
  /** Null: the namespace that this process runs in. */
  readonly namespace: string | null;
  readonly name: string;
  /** Name of the port; null where the service has one only. */
  readonly port: string | null;
}

/** As Kubernetes names things. */
const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** @throws LociError config_invalid for what is no service's name */
export function parseServiceName(text: string): ServiceName {
  const [path = "", port = null, ...rest] = text.split(":");
  const parts = path.split("/");
  const name = parts.at(-1) ?? "";
  const namespace = parts.length > 1 ? (parts[0] ?? "") : null;
  const words = [
    name,
    ...(namespace === null ? [] : [namespace]),
    ...(port === null ? [] : [port]),
  ];
  if (parts.length <= 2 && rest.length === 0 && words.every((word) => label.test(word))) {
    return { namespace, name, port };
  }
  throw new LociError("config_invalid", `'${text.slice(0, 80)}' is no service of Kubernetes.`, {
    remedy: "Write NAMESPACE/NAME, and :PORT behind it where the service has several.",
  });
}
