// Every request has an id that the client may choose, as long as it is safe to print anywhere.

import type { IncomingHttpHeaders } from "node:http";
import type { EntropySource } from "./entropy.ts";

const safeId = /^[A-Za-z0-9._:-]{1,128}$/;

/** The client's `x-request-id` if it is safe, otherwise a new one. */
export function newRequestId(headers: IncomingHttpHeaders, entropy: EntropySource): string {
  const sent = headers["x-request-id"];
  return typeof sent === "string" && safeId.test(sent) ? sent : `req-${entropy.hex(12)}`;
}
