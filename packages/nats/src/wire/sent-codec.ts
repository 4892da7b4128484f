// Requests that a router sent to workers, in bytes: several in one message.

import type { SentElsewhere } from "@loci/router";

import { isWorkerName } from "../subjects.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";

/** In one message; with names of 7 bytes each it stays far below a message's bound. */
export const sentRequestsMax = 64;
export const sentNamesMax = 256;
const tokensMax = 1e9;

/** At most `sentRequestsMax`, with at most `sentNamesMax` names each. */
export function encodeSent(requests: readonly SentElsewhere[]): Uint8Array {
  const writer = new ByteWriter(256);
  writer.integer(requests.length);
  for (const { workerId, names, missedTokens } of requests) {
    writer.shortText(workerId);
    writer.integer(missedTokens);
    writer.integer(names.length);
    writer.names(names);
  }
  return writer.finish();
}

/** @returns null for bytes that are no such requests */
export function decodeSent(bytes: Uint8Array): readonly SentElsewhere[] | null {
  const reader = new ByteReader(bytes);
  const count = reader.integerUpTo(sentRequestsMax);
  const requests: SentElsewhere[] = [];
  for (let index = 0; index < count && reader.isSound; index++) {
    const workerId = reader.shortText();
    const missedTokens = reader.integerUpTo(tokensMax);
    const names = reader.names(reader.integerUpTo(sentNamesMax));
    if (!isWorkerName(workerId)) reader.fail();
    requests.push({ workerId, names, missedTokens });
  }
  return reader.isDone ? requests : null;
}
