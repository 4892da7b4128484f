// A list that cannot be had now. It is asked for again by itself.

import type { JSX } from "preact";
import type { ApiError } from "../api/api-error.ts";
import { ErrorNotice } from "../components/error-notice.tsx";

export function PollTrouble({ error }: { readonly error: ApiError | null }): JSX.Element | null {
  return error === null ? null : <ErrorNotice error={error} />;
}
