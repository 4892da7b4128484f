// The scheduling view.

import type { JSX } from "preact";

export function SchedulingView(): JSX.Element {
  return (
    <div class="page">
      <h1>Scheduling</h1>
    </div>
  );
}
