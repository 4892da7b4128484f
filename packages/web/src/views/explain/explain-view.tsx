// The explain view.

import type { JSX } from "preact";

export function ExplainView(): JSX.Element {
  return (
    <div class="page">
      <h1>Explain</h1>
    </div>
  );
}
