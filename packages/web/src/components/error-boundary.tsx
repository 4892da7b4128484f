// One view's failure stays its own: it is told in its place, and the rest of the page goes on.

import { Component, type ComponentChildren, type JSX } from "preact";
import { toApiError } from "../api/api-error.ts";
import { ErrorNotice } from "./error-notice.tsx";

interface BoundaryProps {
  readonly children: ComponentChildren;
}

interface BoundaryState {
  readonly thrown: unknown;
}

export class ErrorBoundary extends Component<BoundaryProps, BoundaryState> {
  override state: BoundaryState = { thrown: null };

  static override getDerivedStateFromError(thrown: unknown): BoundaryState {
    return { thrown };
  }

  override render(): JSX.Element {
    const { thrown } = this.state;
    if (thrown === null) return <>{this.props.children}</>;
    const retry = (): void => this.setState({ thrown: null });
    return (
      <div class="page">
        <ErrorNotice error={toApiError(thrown)} onRetry={retry} />
      </div>
    );
  }
}
