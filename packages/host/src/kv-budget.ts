// How many bytes keys and values may take: what the setting says, never more than the machine has.

import { approximateBytes, LociError } from "@loci/core";
import type { MemorySize } from "@loci/core";

const kvBytesMin = 1024 * 1024;

/** Bytes for the block pool, null = the model's default; LociError config_invalid when too many. */
export function kvBudgetBytes(size: MemorySize | null, availableBytes: number): number | null {
  if (size === null) return null;
  if (size.unit === "share") return shareOf(availableBytes, size.share);
  if (size.bytes <= availableBytes) return size.bytes;
  const asked = approximateBytes(size.bytes);
  throw new LociError(
    "config_invalid",
    `--kv-memory asks for ${asked}, but only ${approximateBytes(availableBytes)} are available.`,
    { remedy: "Ask for less, or for a share such as 50%." },
  );
}

function shareOf(availableBytes: number, share: number): number {
  return Math.max(kvBytesMin, Math.floor(share * availableBytes));
}
