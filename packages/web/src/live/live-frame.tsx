// What the live views have in common: a title, what one sees in a few words, the state of the
// stream, and something to read while nothing has come.

import type { ComponentChildren, JSX } from "preact";
import { ApiError, networkError } from "../api/api-error.ts";
import { ErrorNotice } from "../components/error-notice.tsx";
import { formatSeconds } from "../format.ts";
import { live, useLive } from "./live.ts";
import "./live.css";
import type { LiveView } from "./live-view.ts";

interface LiveFrameProps {
  readonly title: string;
  /** One or two sentences: what is shown. */
  readonly lead: string;
  /** Why it makes serving fast, for those who ask. */
  readonly explanation: ComponentChildren;
  /** Called with every view. */
  readonly children: (view: LiveView) => ComponentChildren;
}

export function LiveFrame({ title, lead, explanation, children }: LiveFrameProps): JSX.Element {
  const view = useLive();
  return (
    <div class="page live-view">
      <div class="live-head">
        <div class="live-title">
          <h1>{title}</h1>
          <StreamStatus view={view} />
        </div>
        <p class="soft live-lead">{lead}</p>
        <details class="live-explanation">
          <summary>What does this mean?</summary>
          <div>{explanation}</div>
        </details>
      </div>
      <StreamTrouble />
      {view === null ? <Waiting /> : children(view)}
    </div>
  );
}

function StreamStatus({ view }: { readonly view: LiveView | null }): JSX.Element {
  const { kind } = live.status.value;
  const words = { idle: "Paused", connecting: "Connecting…", live: "Live", broken: "Interrupted" };
  return (
    <p class="live-status" data-state={kind}>
      <span class="live-dot" aria-hidden="true" />
      <output>{words[kind]}</output>
      {view !== null && <span class="soft"> · up {formatSeconds(view.uptimeSeconds)}</span>}
    </p>
  );
}

function StreamTrouble(): JSX.Element | null {
  const status = live.status.value;
  if (status.kind !== "broken") return null;
  const { cause } = status;
  const error = cause instanceof ApiError ? cause : networkError(cause);
  return <ErrorNotice error={error} onRetry={() => live.retryNow()} />;
}

function Waiting(): JSX.Element | null {
  if (live.status.value.kind === "broken") return null;
  return (
    <div class="empty" aria-busy="true">
      Waiting for the first view…
    </div>
  );
}
