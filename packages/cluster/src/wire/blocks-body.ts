// The body of POST /worker/blocks: which blocks of a prompt another worker would like to have.

import { bodyBounds } from "./generation-body.ts";
import { Fields } from "./fields.ts";
import { base64OfTokens, tokensOfBytes } from "./number-bytes.ts";

export interface BlocksBody {
  readonly tenant: string;
  readonly promptTokens: Int32Array;
  readonly blockStart: number;
  readonly blockEnd: number;
  /** Of the worker that asks; contents of others are of no use to it. */
  readonly fingerprint: string;
}

export function encodeBlocksBody({ promptTokens, ...plain }: BlocksBody): string {
  return JSON.stringify({ ...plain, prompt: base64OfTokens(promptTokens) });
}

/** Throws WireError. */
export function decodeBlocksBody(body: unknown): BlocksBody {
  const fields = new Fields(body);
  const { tokensMax, idCharsMax } = bodyBounds;
  const blockStart = fields.integer("blockStart", 0, tokensMax);
  return {
    tenant: fields.text("tenant", idCharsMax),
    promptTokens: tokensOfBytes(fields.bytes("prompt", 4 * tokensMax)),
    blockStart,
    blockEnd: fields.integer("blockEnd", blockStart, tokensMax),
    fingerprint: fields.text("fingerprint", idCharsMax),
  };
}
