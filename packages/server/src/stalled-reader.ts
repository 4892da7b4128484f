// A client that takes nothing of its answer for half a minute is cut: what it has not read lies in
// our memory. Large answers leave in pieces, so that taking some of one can be seen.

import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { Clock } from "@loci/core";
import { unreadBytesMax } from "./limits.ts";

const pieceBytes = 65_536;

/** `payload` as a stream of pieces if it is large, else itself. */
export function inPieces(payload: unknown): unknown {
  if (typeof payload !== "string" || payload.length <= unreadBytesMax) return payload;
  return Readable.from(pieces(Buffer.from(payload)), { objectMode: false, highWaterMark: 1 });
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

/** Destroys the connection when nothing of `response` leaves for `slowReaderMs`. */
export function cutWhenStalled(response: ServerResponse, clock: Clock, slowReaderMs: number): void {
  let cancel: (() => void) | null = null;
  let seenBytes = -1;
  const look = (): void => {
    if (response.writableFinished || response.destroyed) return;
    const bytes = response.socket?.bytesWritten ?? 0;
    if (bytes === seenBytes) {
      response.destroy();
      return;
    }
    seenBytes = bytes;
    cancel = clock.after(slowReaderMs, look);
  };
  look();
  response.once("close", () => cancel?.());
}
