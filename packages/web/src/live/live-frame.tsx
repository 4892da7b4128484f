// What views of the live stream have in common: the state of the stream, and something to read while
// nothing has come.

import type { LiveView } from "@loci/core";
import type { ComponentChildren, JSX } from "preact";
import { ApiError, networkError } from "../api/api-error.ts";
import { ErrorNotice } from "../components/error-notice.tsx";
import { formatSeconds } from "../format.ts";
import { live, useLive } from "./live.ts";
import { ViewFrame } from "./view-frame.tsx";

interface LiveFrameProps {
  readonly title: string;
  readonly lead: string;
  readonly explanation: ComponentChildren;
  /** Called with every view. */
  readonly children: (view: LiveView) => ComponentChildren;
}

export function LiveFrame({ children, ...head }: LiveFrameProps): JSX.Element {
  const view = useLive();
  return (
    <ViewFrame {...head} aside={<StreamStatus view={view} />}>
      <StreamTrouble />
      {view === null ? <Waiting /> : children(view)}
    </ViewFrame>
  );
}

const statusWords = {
  idle: "Paused",
  connecting: "Connecting…",
  live: "Live",
  broken: "Interrupted",
} as const;

function StreamStatus({ view }: { readonly view: LiveView | null }): JSX.Element {
  const { kind } = live.status.value;
  return (
    <p class="live-status" data-state={kind}>
      <span class="live-dot" aria-hidden="true" />
      <output>{statusWords[kind]}</output>
      {view !== null && <span class="soft">· up {formatSeconds(view.uptimeSeconds)}</span>}
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
