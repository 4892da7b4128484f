// What lies before a block's payload in a segment file, little endian:
//
//   0    magic, format version      uint32 each
//   8    sequence                   uint64; a later write has a higher one
//   16   fingerprint                16 bytes: model and configuration
//   32   tenant, parent and own key 16 bytes each
//   80   depth, token count         uint32 each
//   88   token ids                  int32 · tokens of a block; zeros beyond the count
//   ...  checksum of each layer     uint64 each
//   ...  zeros, checksum of all before it in the last 8 bytes
//
// Everything before the layers' checksums is the identity: it must be found exactly as expected.

import { assert } from "@loci/core";
import type { BlockIdentity } from "@loci/engine";
import { type TransferLayout, checksumBytes } from "@loci/ggml";

export const slotMagic = 0x424b_434c; // "LCKB"
export const formatVersion = 1;
const keyBytes = 16;
const headerAlignment = 64;

const at = {
  magic: 0,
  version: 4,
  sequence: 8,
  fingerprint: 16,
  tenantKey: 32,
  parentKey: 48,
  key: 64,
  depth: 80,
  tokenCount: 84,
  tokens: 88,
} as const;

export interface SlotShape {
  readonly fingerprint: string;
  readonly layers: number;
  readonly blockBytes: number;
  readonly blockTokens: number;
}

export interface SlotHeader {
  readonly sequence: number;
  readonly identity: BlockIdentity;
}

/** Where the parts of a header and a block lie. */
export function slotLayout(shape: SlotShape): TransferLayout {
  const { layers, blockBytes, blockTokens } = shape;
  assert(blockBytes % layers === 0, "a block is equal parts, one per layer");
  // Aligned, so that the checksums are.
  const identityBytes = Math.ceil((at.tokens + blockTokens * 4) / 8) * 8;
  const used = identityBytes + (layers + 1) * checksumBytes;
  const headerBytes = Math.ceil(used / headerAlignment) * headerAlignment;
  return { layers, layerBytes: blockBytes / layers, identityBytes, headerBytes };
}

/** Writes a header without its checksums into zeroed `target`. */
export function encodeHeader(header: SlotHeader, shape: SlotShape, target: Buffer): void {
  const { sequence, identity } = header;
  const { tokens, depth } = identity;
  assert(tokens.length > 0 && tokens.length <= shape.blockTokens, "a block has tokens");
  target.writeUInt32LE(slotMagic, at.magic);
  target.writeUInt32LE(formatVersion, at.version);
  target.writeBigUInt64LE(BigInt(sequence), at.sequence);
  target.write(shape.fingerprint, at.fingerprint, keyBytes, "hex");
  target.write(identity.tenantKey, at.tenantKey, keyBytes, "hex");
  target.write(identity.parentKey, at.parentKey, keyBytes, "hex");
  target.write(identity.key, at.key, keyBytes, "hex");
  target.writeUInt32LE(depth, at.depth);
  target.writeUInt32LE(tokens.length, at.tokenCount);
  Buffer.from(tokens.buffer, tokens.byteOffset, tokens.byteLength).copy(target, at.tokens);
}

/** Reads headers of one shape whose checksums were found right; null = not of this shape. */
export class HeaderDecoder {
  readonly #shape: SlotShape;
  readonly #fingerprint: Buffer;

  constructor(shape: SlotShape) {
    this.#shape = shape;
    this.#fingerprint = Buffer.from(shape.fingerprint, "hex");
  }

  decode(bytes: Buffer): SlotHeader | null {
    if (bytes.readUInt32LE(at.magic) !== slotMagic) return null;
    if (bytes.readUInt32LE(at.version) !== formatVersion) return null;
    const { fingerprint, tenantKey } = at;
    if (bytes.compare(this.#fingerprint, 0, keyBytes, fingerprint, tenantKey) !== 0) return null;
    const sequence = readSequence(bytes);
    const count = bytes.readUInt32LE(at.tokenCount);
    if (sequence === 0 || count === 0 || count > this.#shape.blockTokens) return null;
    // Headers lie side by side in one read, so their tokens are aligned.
    const tokens = new Int32Array(bytes.buffer, bytes.byteOffset + at.tokens, count).slice();
    const key = (offset: number): string => bytes.toString("hex", offset, offset + keyBytes);
    const identity = {
      key: key(at.key),
      parentKey: key(at.parentKey),
      tenantKey: key(at.tenantKey),
      depth: bytes.readUInt32LE(at.depth),
      tokens,
    };
    return { sequence, identity };
  }
}

/** 0 when it is none. */
export function readSequence(header: Buffer): number {
  const sequence =
    header.readUInt32LE(at.sequence) + header.readUInt32LE(at.sequence + 4) * 2 ** 32;
  return Number.isSafeInteger(sequence) ? sequence : 0;
}
