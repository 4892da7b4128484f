// A view that is still on its way, then itself; a fetch that fails can be tried again.

import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { networkError, type ApiError } from "../api/api-error.ts";
import { ErrorNotice } from "../components/error-notice.tsx";
import type { ViewName } from "../routing/route.ts";
import { loadView, type ViewProps } from "./view-loader.ts";

interface LazyViewProps {
  readonly name: Exclude<ViewName, "chat">;
  readonly requestId: string | null;
}

type LoadState =
  | { readonly kind: "loading" }
  | { readonly kind: "ready"; readonly view: ComponentType<ViewProps> }
  | { readonly kind: "failed"; readonly error: ApiError };

export function LazyView({ name, requestId }: LazyViewProps): JSX.Element {
  const [state, setState] = useState<LoadState>({ kind: "loading" });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let isWanted = true;
    setState({ kind: "loading" });
    loadView(name).then(
      (view) => isWanted && setState({ kind: "ready", view }),
      (error: unknown) => isWanted && setState({ kind: "failed", error: networkError(error) }),
    );
    return () => {
      isWanted = false;
    };
  }, [name, attempt]);
  if (state.kind === "ready") return <state.view requestId={requestId} />;
  if (state.kind === "loading")
    return (
      <div class="empty" aria-busy="true">
        Loading…
      </div>
    );
  return (
    <div class="page">
      <ErrorNotice error={state.error} onRetry={() => setAttempt(attempt + 1)} />
    </div>
  );
}
