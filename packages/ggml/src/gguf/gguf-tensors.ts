// The tensor table of a GGUF file. Sizes are computed in BigInt, so that no product can wrap;
// a tensor that leaves the file or shares bytes with another is refused before anyone maps it.

import type { ByteCursor } from "./byte-cursor.ts";
import { ggmlTypes, type GgmlType } from "./ggml-types.ts";
import { ggufLimits, type GgufTensor } from "./gguf-format.ts";
import { isName } from "./gguf-metadata.ts";

/** A tensor as the table states it: its place is relative to the data section, not yet checked. */
export interface TensorEntry {
  readonly name: string;
  readonly type: GgmlType;
  readonly dimensions: readonly number[];
  readonly byteLength: bigint;
  readonly dataOffset: bigint;
  /** Where the entry stands in the file, for messages. */
  readonly entryOffset: number;
}

/** Bytes that one entry takes at least: name, one dimension, type, offset. */
export const tensorEntryBytesMin: number = 8 + 1 + 4 + 8 + 4 + 8;

/** Reads `count` entries; throws `model_file_invalid`. */
export function parseTensorTable(cursor: ByteCursor, count: number): TensorEntry[] {
  const entries: TensorEntry[] = [];
  const names = new Set<string>();
  for (let index = 0; index < count; index++) {
    const entry = parseEntry(cursor);
    if (names.has(entry.name)) {
      throw cursor.invalid(`the tensor ${entry.name} occurs twice`, entry.entryOffset);
    }
    names.add(entry.name);
    entries.push(entry);
  }
  return entries;
}

function parseEntry(cursor: ByteCursor): TensorEntry {
  const entryOffset = cursor.position;
  const length = cursor.count(1, ggufLimits.tensorNameBytesMax, "the length of a tensor name");
  const name = cursor.byteText(length);
  if (!isName(name)) {
    throw cursor.invalid("a tensor name is empty or holds unprintable characters", entryOffset);
  }
  const dimensions = parseDimensions(cursor, name);
  const typeOffset = cursor.position;
  const typeId = cursor.uint32();
  const type = ggmlTypes.get(typeId);
  if (type === undefined) {
    throw cursor.invalid(`the tensor ${name} has the unknown type ${typeId}`, typeOffset);
  }
  const row = dimensions[0] ?? 0;
  if (row % type.blockElements !== 0) {
    throw cursor.invalid(
      `the tensor ${name} has rows of ${row} elements, not a multiple of ${type.name}'s ` +
        `${type.blockElements}`,
      entryOffset,
    );
  }
  const elements = dimensions.reduce((product, extent) => product * BigInt(extent), 1n);
  const byteLength = (elements / BigInt(type.blockElements)) * BigInt(type.blockBytes);
  return { name, type, dimensions, byteLength, dataOffset: cursor.uint64(), entryOffset };
}

function parseDimensions(cursor: ByteCursor, name: string): readonly number[] {
  const start = cursor.position;
  const count = cursor.uint32();
  if (count < 1 || count > ggufLimits.dimensionsMax) {
    throw cursor.invalid(`the tensor ${name} has ${count} dimensions`, start);
  }
  const dimensions: number[] = [];
  for (let index = 0; index < count; index++) {
    const offset = cursor.position;
    const exact = cursor.int64();
    const extent = Number(exact);
    if (extent < 1 || !Number.isSafeInteger(extent)) {
      throw cursor.invalid(`dimension ${index} of the tensor ${name} is ${exact}`, offset);
    }
    dimensions.push(extent);
  }
  return dimensions;
}

export interface DataSection {
  readonly start: number;
  readonly alignment: number;
  readonly fileBytes: number;
}

/** Gives every entry its place in the file; throws when one is misaligned, outside or overlaps. */
export function placeTensors(
  cursor: ByteCursor,
  entries: readonly TensorEntry[],
  section: DataSection,
): Map<string, GgufTensor> {
  const tensors = new Map<string, GgufTensor>();
  for (const entry of entries) tensors.set(entry.name, placeTensor(cursor, entry, section));
  const inOrder = [...tensors.values()].toSorted((a, b) => a.fileOffset - b.fileOffset);
  let previous: GgufTensor | undefined;
  for (const tensor of inOrder) {
    if (previous && previous.fileOffset + previous.byteLength > tensor.fileOffset) {
      throw cursor.invalid(
        `the tensors ${previous.name} and ${tensor.name} share bytes`,
        tensor.fileOffset,
      );
    }
    previous = tensor;
  }
  return tensors;
}

function placeTensor(cursor: ByteCursor, entry: TensorEntry, section: DataSection): GgufTensor {
  const { name, type, dimensions, byteLength, dataOffset, entryOffset } = entry;
  if (dataOffset % BigInt(section.alignment) !== 0n) {
    throw cursor.invalid(
      `the tensor ${name} starts at ${dataOffset}, not a multiple of ${section.alignment}`,
      entryOffset,
    );
  }
  const start = BigInt(section.start) + dataOffset;
  const end = start + byteLength;
  if (end > BigInt(section.fileBytes)) {
    throw cursor.invalid(
      `the tensor ${name} would end at byte ${end}, but the file has ${section.fileBytes}`,
      entryOffset,
    );
  }
  return {
    name,
    type: type.id,
    typeName: type.name,
    dimensions,
    fileOffset: Number(start),
    byteLength: Number(byteLength),
  };
}
