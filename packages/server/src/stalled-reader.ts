// A client that takes its answer slower than 256 KiB per half minute, or not at all, is cut: what
// it has not read lies in our memory.

import type { ServerResponse } from "node:http";
import type { Clock } from "@loci/core";
import { unreadBytesMax } from "./limits.ts";

/** Destroys the connection unless the ended `response` is flushed in time for its size. */
export function cutWhenStalled(response: ServerResponse, clock: Clock, slowReaderMs: number): void {
  if (response.writableFinished || response.destroyed) return;
  const shares = Math.max(1, Math.ceil(response.writableLength / unreadBytesMax));
  const cancel = clock.after(slowReaderMs * shares, () => {
    if (!response.writableFinished) response.destroy();
  });
  response.once("close", cancel);
}
