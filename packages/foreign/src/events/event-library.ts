// The transport of engines' cache events: native code, loaded only where somebody publishes events.

import { loadOptional } from "@loci/core";

export function loadEventLibrary(): Promise<typeof import("zeromq")> {
  return loadOptional({
    name: "zeromq",
    major: 6,
    neededFor: "Reading an engine's cache events",
    load: () => import("zeromq"),
  });
}
