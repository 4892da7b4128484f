// Our own reader of GGUF: the gate before any native code sees a model file. Nothing in the file
// is trusted: every count, length, type and offset is checked against the bytes that are there,
// so what comes out describes tensors that lie inside the file, aligned and apart.
//
//   magic | version | tensor count | key count | key-value pairs | tensor table | pad | data

import { ByteCursor } from "./byte-cursor.ts";
import { FileSource, type ByteSource } from "./byte-source.ts";
import {
  alignmentDefault,
  alignmentKey,
  alignmentMin,
  ggufLimits,
  type GgufFile,
} from "./gguf-format.ts";
import { parseMetadata, type GgufMetadata } from "./gguf-metadata.ts";
import { parseTensorTable, placeTensors, tensorEntryBytesMin } from "./gguf-tensors.ts";

const magic = "GGUF";
const versionsAccepted: ReadonlySet<number> = new Set([2, 3]);
/** Key length, one character, type, one byte. */
const pairBytesMin = 8 + 1 + 4 + 1;

/**
 * Reads the header of a regular file, opened once. Throws LociError `file_unreadable`,
 * `model_file_invalid` or `model_file_changed` with what, where and what to do.
 */
export function readGguf(path: string): GgufFile {
  using source = new FileSource(path);
  return { ...parseGguf(source, path), identity: source.identity };
}

/** The same over any bounded bytes; `path` is only named in messages. */
export function parseGguf(source: ByteSource, path: string): GgufFile {
  const cursor = new ByteCursor(source, path, ggufLimits.metadataBytesMax);
  const version = parseVersion(cursor);
  const tensorCount = cursor.count(
    tensorEntryBytesMin,
    ggufLimits.tensorsMax,
    "the number of tensors",
  );
  const keyCount = cursor.count(pairBytesMin, ggufLimits.metadataKeysMax, "the number of keys");
  const metadata = parseMetadata(cursor, keyCount);
  const alignment = alignmentOf(cursor, metadata);
  const entries = parseTensorTable(cursor, tensorCount);
  const dataOffset = Math.ceil(cursor.position / alignment) * alignment;
  const section = { start: dataOffset, alignment, fileBytes: source.byteLength };
  return {
    path,
    fileBytes: source.byteLength,
    identity: null,
    version,
    alignment,
    dataOffset,
    metadata: metadata.values,
    metadataTypes: metadata.types,
    tensors: placeTensors(cursor, entries, section),
  };
}

function parseVersion(cursor: ByteCursor): number {
  const found = cursor.byteText(4);
  if (found !== magic) {
    throw cursor.invalid(`it starts with ${JSON.stringify(found)} instead of "GGUF"`, 0);
  }
  const version = cursor.uint32();
  if (versionsAccepted.has(version)) return version;
  const swapped = ((version & 0xff) << 24) | ((version & 0xff00) << 8) | (version >>> 24);
  const isSwapped = (version & 0xffff) === 0 && version !== 0;
  throw cursor.invalid(
    isSwapped
      ? `it is big-endian (version ${swapped >>> 0} byte-swapped), which loci does not read`
      : `its version is ${version}; loci reads versions 2 and 3`,
    4,
  );
}

function alignmentOf(cursor: ByteCursor, metadata: GgufMetadata): number {
  const value = metadata.values.get(alignmentKey);
  if (value === undefined) return alignmentDefault;
  const type = metadata.types.get(alignmentKey);
  if (type !== "uint32" || typeof value !== "number") {
    throw cursor.invalid(`${alignmentKey} has the type ${type} instead of uint32`);
  }
  if (value < alignmentMin || (value & (value - 1)) !== 0) {
    throw cursor.invalid(
      `${alignmentKey} is ${value}, not a power of two of at least ${alignmentMin}`,
    );
  }
  return value;
}
