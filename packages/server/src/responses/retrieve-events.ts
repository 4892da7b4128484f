// The stream of a response that was created before: followed live while it runs in the background,
// told again from what was kept once it is over.

import type { JsonObject } from "@loci/store";
import type { ServerContext } from "../server-context.ts";
import type { ResponseEvent } from "./response-answer.ts";
import { storedEventsAfter } from "./stored-events.ts";

export interface EventQuery {
  readonly context: ServerContext;
  readonly id: string;
  /** As it was read; belongs to the caller's tenant. */
  readonly response: JsonObject;
  /** Number of the last event the client has seen. */
  readonly after: number | null;
  /** Aborts when the client has left. */
  readonly client: AbortSignal;
}

export async function* storedEventStream(query: EventQuery): AsyncGenerator<ResponseEvent> {
  const { context, id, response, after, client } = query;
  const log = context.turns.log(id);
  if (log !== null) yield* log.follow(after, client);
  else yield* storedEventsAfter(response, after);
}
