// The cluster view.

import type { JSX } from "preact";

export function ClusterView(): JSX.Element {
  return (
    <div class="page">
      <h1>Cluster</h1>
    </div>
  );
}
