// A step's batch as the runner wants it.

import { defined } from "@loci/core";
import type { EngineRequest } from "./request.ts";
import type { QuerySlice } from "./runner.ts";

/** One slice for each stretch: gaps computed again, then what follows the frontier. */
export function slicesOf(request: EngineRequest): QuerySlice[] {
  const last = request.scheduled.length - 1;
  return request.scheduled.map((range, index) => ({
    requestId: request.id,
    tokens: request.tokensOf(range),
    positionStart: range.start,
    blockTable: defined(request.blocks).table,
    sample: index === last ? request.sampleSpec() : null,
  }));
}
