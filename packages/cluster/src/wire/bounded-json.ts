// A whole body of JSON from a peer, of bounded size.

import { parseLine } from "./line-splitter.ts";
import { WireError } from "./wire-error.ts";

/** Throws WireError for a body that is too large or not JSON; the stream's own errors pass. */
export async function readJson(
  body: AsyncIterable<Uint8Array>,
  bytesMax: number,
): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.byteLength;
    if (bytes > bytesMax) throw new WireError(`a body is larger than ${bytesMax} bytes`);
    parts.push(part);
  }
  return parseLine(Buffer.concat(parts, bytes).toString("utf8"));
}
