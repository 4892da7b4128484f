// A part of a live view with its own heading, and the words in it when there is nothing to show.

import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";

interface PanelProps {
  readonly title: string;
  /** Beside the title. */
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Panel({ title, aside, children }: PanelProps): JSX.Element {
  const titleId = useId();
  return (
    <section class="panel live-panel" aria-labelledby={titleId}>
      <div class="live-panel-head">
        <h2 id={titleId}>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** Says why there is nothing, and what would make it appear. */
export function Nothing({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return <p class="live-nothing">{children}</p>;
}
