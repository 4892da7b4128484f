// Heartbeats and load reports: bounded JSON, read with the same checks as what workers send over
// HTTP.

import { decodeLoad as decodeLoadFields, Fields, WireError } from "@loci/cluster";
import type { WorkerLoad } from "@loci/core";

/** Longest heartbeat or report. */
export const reportBytesMax = 8192;

/** What a worker says of itself in every heartbeat. */
export interface MemberRecord {
  /** Where routers reach it; see `parseWorkerAddress`. */
  readonly url: string;
  /** `leaving`: the last thing it says. */
  readonly state: "up" | "draining" | "leaving";
  /** Of the last batch of block events it told. */
  readonly sequence: number;
}

const urlCharsMax = 512;
const states = ["up", "draining", "leaving"] as const;

export function encodeReport(report: MemberRecord | WorkerLoad): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(report));
}

/** @returns null for bytes that are no heartbeat */
export function decodeMember(bytes: Uint8Array): MemberRecord | null {
  return decodeReport(bytes, (fields) => ({
    url: fields.text("url", urlCharsMax),
    state: fields.choice("state", states),
    sequence: fields.integer("sequence"),
  }));
}

/** @returns null for bytes that are no report */
export function decodeLoad(bytes: Uint8Array): WorkerLoad | null {
  return decodeReport(bytes, decodeLoadFields);
}

function decodeReport<Report>(bytes: Uint8Array, read: (fields: Fields) => Report): Report | null {
  if (bytes.length > reportBytesMax) return null;
  try {
    return read(new Fields(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))));
  } catch (error) {
    // Not UTF-8, not JSON, or not the fields: what it is instead does not matter to anybody.
    if (error instanceof TypeError || error instanceof SyntaxError) return null;
    if (error instanceof WireError) return null;
    throw error;
  }
}
