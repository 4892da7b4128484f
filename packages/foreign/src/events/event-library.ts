// The transport of engines' cache events: native code, loaded only where somebody publishes events.

import { loadOptional } from "@loci/core";
import type * as ZeroMq from "zeromq";

export function loadEventLibrary(): Promise<typeof ZeroMq> {
  return loadOptional({
    name: "zeromq",
    major: 6,
    neededFor: "Reading an engine's cache events",
    load: () => import("zeromq"),
  });
}
