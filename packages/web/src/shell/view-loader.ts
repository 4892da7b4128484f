// Views that are fetched when they are first looked at: the chat should not wait for the charts.

import type { ComponentType } from "preact";
import type { ViewName } from "../routing/route.ts";

export interface ViewProps {
  /** The request that explain is about; null elsewhere. */
  readonly requestId: string | null;
}

type LoadedView = ComponentType<ViewProps>;

const loaders: Readonly<Record<Exclude<ViewName, "chat">, () => Promise<LoadedView>>> = {
  memory: async () => (await import("../views/memory/memory-view.tsx")).MemoryView,
  scheduling: async () => (await import("../views/scheduling/scheduling-view.tsx")).SchedulingView,
  cluster: async () => (await import("../views/cluster/cluster-view.tsx")).ClusterView,
  explain: async () => (await import("../views/explain/explain-view.tsx")).ExplainView,
};

/** The view's component; rejects when it cannot be fetched. */
export function loadView(name: Exclude<ViewName, "chat">): Promise<LoadedView> {
  return loaders[name]();
}
