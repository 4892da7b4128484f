// How a view of what goes on begins: its title, what one sees in a few words, and what it means.

import type { ComponentChildren, JSX } from "preact";
import "./live.css";

interface ViewFrameProps {
  readonly title: string;
  /** One or two sentences: what is shown. */
  readonly lead: string;
  /** Why it makes serving fast, for those who ask. */
  readonly explanation: ComponentChildren;
  /** Beside the title. */
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function ViewFrame(props: ViewFrameProps): JSX.Element {
  const { title, lead, explanation, aside, children } = props;
  return (
    <div class="page live-view">
      <div class="live-head">
        <div class="live-title">
          <h1>{title}</h1>
          {aside}
        </div>
        <p class="soft live-lead">{lead}</p>
        <details class="live-explanation">
          <summary>What does this mean?</summary>
          <div>{explanation}</div>
        </details>
      </div>
      {children}
    </div>
  );
}
