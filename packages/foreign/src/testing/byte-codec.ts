// A vocabulary of bytes: token 7 is byte 7, and 256 ends an answer.

import type { TokenCodec } from "../answer/engine-answer.ts";

export const endToken = 256;

export const byteCodec: TokenCodec = {
  tokenBytes: (tokenId) => (tokenId < endToken ? Uint8Array.of(tokenId) : new Uint8Array()),
  tokenize: async (text) => await Promise.resolve(Int32Array.from(new TextEncoder().encode(text))),
  isEndOfGeneration: (tokenId) => tokenId === endToken,
};
