// What a transfer's result means to a tier.

import { defined } from "@loci/core";
import type { MoveResult } from "@loci/ggml";
import type { TierResult } from "./tier.ts";

const spaceErrors: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

export function toTierResult(result: MoveResult | undefined): TierResult {
  const known = defined(result, "every block has a result");
  if (known === "ended") return "torn";
  if (known === "moved" || known === "torn" || known === "foreign" || known === "corrupt") {
    return known;
  }
  return spaceErrors.has(known) ? "no_space" : "io";
}

/** The same for a failed call of `node:fs`; rethrows what is no failure of the system. */
export function errorResult(error: unknown): "no_space" | "io" {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code !== "string" || code.startsWith("ERR_")) throw error;
  return spaceErrors.has(code) ? "no_space" : "io";
}
