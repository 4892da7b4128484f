// Which request the code that runs now works for, without every function in between knowing of it:
// its span, for whoever works on its behalf, and for log lines.

import { AsyncLocalStorage } from "node:async_hooks";
import type { Span } from "./span.ts";

export interface RequestScope {
  readonly span: Span;
  /** As gen_ai.operation.name has it: `chat`, `text_completion`. */
  readonly operation: string;
}

const storage = new AsyncLocalStorage<RequestScope>();

/** Runs `action`, and all that follows from it, for this request. */
export function withinScope<T>(scope: RequestScope, action: () => T): T {
  return storage.run(scope, action);
}

/** Null outside of requests. */
export function currentScope(): RequestScope | null {
  return storage.getStore() ?? null;
}
