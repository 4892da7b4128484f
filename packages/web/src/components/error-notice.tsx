// A failure where it happened: the cause, the remedy, and a way to try again.

import type { JSX } from "preact";
import type { ApiError } from "../api/api-error.ts";

interface ErrorNoticeProps {
  readonly error: ApiError;
  readonly onRetry?: () => void;
  readonly onDismiss?: () => void;
}

export function ErrorNotice({ error, onRetry, onDismiss }: ErrorNoticeProps): JSX.Element {
  return (
    <div class="notice" role="alert">
      <div>
        <strong>{error.message}</strong>
        {error.remedy !== null && <div>{error.remedy}</div>}
      </div>
      {onRetry !== undefined && (
        <button type="button" class="button button-small" onClick={onRetry}>
          Try again
        </button>
      )}
      {onDismiss !== undefined && (
        <button type="button" class="button button-small" onClick={onDismiss}>
          Dismiss
        </button>
      )}
    </div>
  );
}
