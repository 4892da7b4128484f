// One file of a fixed number of slots:
//
//   header   4096 bytes: magic, format version, fingerprint, sizes, checksum
//   table    one header for each slot, side by side, so that a restart reads them in one go
//   payload  one block for each slot
//
// The file is named into place once its space is reserved and its header written.

import { fstatSync, ftruncateSync, read, readSync, write, writeSync } from "node:fs";
import { promisify } from "node:util";
import {
  type BlockTransfer,
  type TransferLayout,
  checksumBytes,
  loadKernelLibrary,
  writeXxh64,
} from "@loci/ggml";
import { type SlotShape, formatVersion } from "./slot-header.ts";

const readAt = promisify(read);
const writeAt = promisify(write);

const fileMagic = 0x534b_434c; // "LCKS"
export const segmentHeaderBytes = 4096;
/** Headers are read so many bytes at a time, at most. */
const tableReadBytesMax = 4 * 1024 * 1024;
const statBlockBytes = 512;
/** More than any segment has; bounds what a foreign file can ask for. */
const slotsMax = 1 << 24;

const fieldAt = {
  magic: 0,
  version: 4,
  fingerprint: 8,
  blockBytes: 24,
  layers: 32,
  slots: 36,
  blockTokens: 40,
  headerBytes: 44,
  number: 48,
} as const;

export interface SegmentShape extends SlotShape {
  readonly slots: number;
}

/** Bytes of a segment file. */
export function segmentBytes(shape: SegmentShape, layout: TransferLayout): number {
  return payloadStart(shape, layout) + shape.slots * shape.blockBytes;
}

function payloadStart({ slots }: SegmentShape, { headerBytes }: TransferLayout): number {
  const table = segmentHeaderBytes + slots * headerBytes;
  return Math.ceil(table / segmentHeaderBytes) * segmentHeaderBytes;
}

export class Segment {
  readonly file: number;
  readonly #shape: SegmentShape;
  readonly #layout: TransferLayout;

  constructor(file: number, shape: SegmentShape, layout: TransferLayout) {
    this.file = file;
    this.#shape = shape;
    this.#layout = layout;
  }

  headerOffset(index: number): number {
    return segmentHeaderBytes + index * this.#layout.headerBytes;
  }

  payloadOffset(index: number): number {
    return payloadStart(this.#shape, this.#layout) + index * this.#shape.blockBytes;
  }

  /** Slots whose payload lies within the file: it may have been cut off. */
  get slotsWhole(): number {
    const { size } = fstatSync(this.file);
    const payload = size - payloadStart(this.#shape, this.#layout);
    return Math.min(this.#shape.slots, Math.max(0, Math.floor(payload / this.#shape.blockBytes)));
  }

  /** Whether its space is its own already, as far as the file system tells. */
  get isReserved(): boolean {
    const { blocks } = fstatSync(this.file);
    return blocks * statBlockBytes >= segmentBytes(this.#shape, this.#layout);
  }

  /** Makes a slot unreadable. Its token ids go, too: they are as good as the text. */
  async blank(index: number): Promise<void> {
    const { headerBytes } = this.#layout;
    await writeAt(this.file, Buffer.alloc(headerBytes), 0, headerBytes, this.headerOffset(index));
  }

  /** Slot headers whose checksums are right, with the index of their slot, in batches. */
  async *wholeHeaders(transfer: BlockTransfer): AsyncIterable<{
    readonly headers: readonly { index: number; bytes: Buffer }[];
    torn: number;
  }> {
    const { headerBytes } = this.#layout;
    const perRead = Math.max(1, Math.floor(tableReadBytesMax / headerBytes));
    for (let first = 0; first < this.#shape.slots; first += perRead) {
      const wanted = Math.min(perRead, this.#shape.slots - first) * headerBytes;
      const table = Buffer.allocUnsafe(wanted);
      const bytes = await readUpTo(this.file, table, this.headerOffset(first));
      const count = Math.floor(bytes / headerBytes);
      const valid = transfer.checkHeaders(table.subarray(0, count * headerBytes), headerBytes);
      const headers: { index: number; bytes: Buffer }[] = [];
      let torn = 0;
      for (let index = 0; index < count; index++) {
        const start = index * headerBytes;
        if (valid[index] === 1) {
          headers.push({ index: first + index, bytes: table.subarray(start, start + headerBytes) });
        } else if (table.readUInt32LE(start) !== 0) torn++;
      }
      yield { headers, torn };
    }
  }
}

/** Bytes read until the end of `target` or of the file. */
async function readUpTo(file: number, target: Buffer, offset: number): Promise<number> {
  let done = 0;
  while (done < target.length) {
    const { bytesRead } = await readAt(file, target, done, target.length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** Reserves a new segment's space and writes its header. True: writing to it takes no more space. */
export async function initSegment(
  file: number,
  number: number,
  shape: SegmentShape,
  parts: { readonly layout: TransferLayout; readonly transfer: BlockTransfer },
): Promise<boolean> {
  const bytes = segmentBytes(shape, parts.layout);
  const kernel = parts.transfer.name === "native" ? loadKernelLibrary() : null;
  const isReserved = (await kernel?.reserveFile(file, bytes)) ?? false;
  if (!isReserved) ftruncateSync(file, bytes);
  writeSync(file, encodeHeader(shape, number, parts.layout), 0, segmentHeaderBytes, 0);
  return isReserved;
}

/** The shape of a segment file that is there; null when it is of another shape than `shape`. */
export function readSegmentShape(
  file: number,
  number: number,
  shape: SlotShape,
  layout: TransferLayout,
): SegmentShape | null {
  const found = Buffer.alloc(segmentHeaderBytes);
  readSync(file, found, 0, segmentHeaderBytes, 0);
  const slots = found.readUInt32LE(fieldAt.slots);
  if (slots === 0 || slots > slotsMax) return null;
  const expected = encodeHeader({ ...shape, slots }, number, layout);
  return found.equals(expected) ? { ...shape, slots } : null;
}

function encodeHeader(shape: SegmentShape, number: number, layout: TransferLayout): Buffer {
  const header = Buffer.alloc(segmentHeaderBytes);
  header.writeUInt32LE(fileMagic, fieldAt.magic);
  header.writeUInt32LE(formatVersion, fieldAt.version);
  header.write(shape.fingerprint, fieldAt.fingerprint, "hex");
  header.writeDoubleLE(shape.blockBytes, fieldAt.blockBytes);
  header.writeUInt32LE(shape.layers, fieldAt.layers);
  header.writeUInt32LE(shape.slots, fieldAt.slots);
  header.writeUInt32LE(shape.blockTokens, fieldAt.blockTokens);
  header.writeUInt32LE(layout.headerBytes, fieldAt.headerBytes);
  header.writeUInt32LE(number, fieldAt.number);
  const checked = segmentHeaderBytes - checksumBytes;
  writeXxh64(header.subarray(0, checked), header.subarray(checked));
  return header;
}
