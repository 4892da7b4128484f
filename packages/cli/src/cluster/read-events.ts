// All events of one answer, for tests that strike while it is on its way.

import type { GenerationEvent, GenerationRequest, GenerationService } from "@loci/core";

/** `onToken`: tokens so far. Throws what the stream throws. */
export async function readEvents(
  service: GenerationService,
  request: GenerationRequest,
  onToken: (tokens: number) => void = () => undefined,
): Promise<readonly GenerationEvent[]> {
  const events: GenerationEvent[] = [];
  let tokens = 0;
  for await (const event of service.generate(request, new AbortController().signal)) {
    events.push(event);
    if (event.type === "token") onToken(++tokens);
  }
  return events;
}
