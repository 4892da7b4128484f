// Writes GGUF files: what the generators of test models and our training script produce. The
// layout is computed from the shapes first, so tensor data can be made and written one at a time
// and a file of any size needs the memory of its largest tensor.

import { closeSync, openSync, writeSync } from "node:fs";
import { assert, defined } from "@loci/core";
import { ggmlTypes } from "./ggml-types.ts";
import {
  alignmentDefault,
  alignmentKey,
  ggufLimits,
  ggufTypeNames,
  type GgufElementType,
  type GgufTypeName,
  type GgufValue,
  type GgufValueType,
} from "./gguf-format.ts";
import { numberArrays, type NumberType } from "./number-arrays.ts";

/** A value with the exact type it gets in the file; assertions refuse a pair that disagrees. */
export interface GgufWriteValue {
  readonly type: GgufValueType;
  readonly value: GgufValue;
}

export interface GgufWriteTensor {
  readonly name: string;
  /** ggml's type id. */
  readonly type: number;
  /** ne0 first. */
  readonly dimensions: readonly number[];
  /** The tensor's bytes, or how to make them when their turn comes. */
  readonly data: Uint8Array | (() => Uint8Array);
}

export interface GgufContent {
  readonly metadata: ReadonlyMap<string, GgufWriteValue>;
  readonly tensors: readonly GgufWriteTensor[];
}

/** Takes the bytes of a file in order. */
type Sink = (bytes: Uint8Array) => void;

/** Writes the file at `path`, replacing what is there; a failure leaves it incomplete. */
export function writeGguf(path: string, content: GgufContent): void {
  const descriptor = openSync(path, "w");
  try {
    emit(content, (bytes) => {
      for (let written = 0; written < bytes.byteLength;) {
        written += writeSync(descriptor, bytes, written);
      }
    });
  } finally {
    closeSync(descriptor);
  }
}

/** The same file in memory. */
export function encodeGguf(content: GgufContent): Uint8Array {
  const parts: Uint8Array[] = [];
  emit(content, (bytes) => parts.push(bytes));
  return Buffer.concat(parts);
}

function emit(content: GgufContent, sink: Sink): void {
  const alignment = alignmentOf(content.metadata);
  const header = new HeaderBuilder();
  header.raw(Buffer.from("GGUF", "latin1"));
  header.uint32(3);
  header.uint64(content.tensors.length);
  header.uint64(content.metadata.size);
  for (const [key, entry] of content.metadata) {
    header.text(key);
    header.value(entry);
  }
  let dataOffset = 0;
  for (const tensor of content.tensors) {
    header.tensor(tensor, dataOffset);
    dataOffset += padded(byteLengthOf(tensor), alignment);
  }
  const bytes = header.finish();
  sink(bytes);
  sink(new Uint8Array(padded(bytes.byteLength, alignment) - bytes.byteLength));
  for (const tensor of content.tensors) {
    const data = typeof tensor.data === "function" ? tensor.data() : tensor.data;
    const byteLength = byteLengthOf(tensor);
    assert(data.byteLength === byteLength, `${tensor.name} has ${byteLength} bytes`);
    sink(data);
    sink(new Uint8Array(padded(byteLength, alignment) - byteLength));
  }
}

function alignmentOf(metadata: ReadonlyMap<string, GgufWriteValue>): number {
  const entry = metadata.get(alignmentKey);
  if (entry === undefined) return alignmentDefault;
  assert(entry.type === "uint32" && typeof entry.value === "number", "the alignment is uint32");
  return entry.value;
}

function padded(bytes: number, alignment: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

function byteLengthOf(tensor: GgufWriteTensor): number {
  const type = defined(ggmlTypes.get(tensor.type), `ggml has the type ${tensor.type}`);
  const row = defined(tensor.dimensions[0], "a tensor has a dimension");
  assert(row % type.blockElements === 0, `${tensor.name} has rows of whole blocks`);
  const elements = tensor.dimensions.reduce((product, extent) => product * extent, 1);
  return (elements / type.blockElements) * type.blockBytes;
}

/** Collects little-endian values; headers are small next to what they describe. */
class HeaderBuilder {
  readonly #parts: Uint8Array[] = [];

  raw(bytes: Uint8Array): void {
    this.#parts.push(bytes);
  }

  uint32(value: number): void {
    this.scalar("uint32", value);
  }

  uint64(value: number): void {
    this.scalar("uint64", value);
  }

  text(value: string): void {
    const bytes = Buffer.from(value, "utf8");
    this.uint64(bytes.byteLength);
    this.raw(bytes);
  }

  value(entry: GgufWriteValue): void {
    const scalar = scalarTypes.get(entry.type);
    if (scalar !== undefined) {
      this.uint32(ggufTypeNames.indexOf(scalar));
      this.scalar(scalar, entry.value);
      return;
    }
    const element = defined(elementTypes.get(entry.type), `${entry.type} is a type of GGUF`);
    const items = entry.value;
    assert(typeof items === "object", `${entry.type} is written from a list`);
    this.uint32(ggufTypeNames.indexOf("array"));
    this.uint32(ggufTypeNames.indexOf(element));
    this.uint64(items.length);
    if (ArrayBuffer.isView(items)) {
      const fits = element !== "string" && element !== "bool";
      assert(fits && items instanceof numberArrays[element], `the list is of ${element}`);
      this.raw(new Uint8Array(items.buffer, items.byteOffset, items.byteLength));
    } else {
      for (const item of items) this.scalar(element, item);
    }
  }

  tensor(tensor: GgufWriteTensor, dataOffset: number): void {
    const { name, dimensions } = tensor;
    assert(Buffer.byteLength(name) <= ggufLimits.tensorNameBytesMax, `${name} is short enough`);
    this.text(name);
    this.uint32(dimensions.length);
    for (const extent of dimensions) this.uint64(extent);
    this.uint32(tensor.type);
    this.uint64(dataOffset);
  }

  scalar(type: GgufElementType, value: GgufValue): void {
    if (type === "string") {
      assert(typeof value === "string", "a string is written as string");
      this.text(value);
      return;
    }
    assert(typeof value !== "string" && typeof value !== "object", `${type} is one number`);
    const bytes = new DataView(
      new ArrayBuffer(type === "bool" ? 1 : numberArrays[type].BYTES_PER_ELEMENT),
    );
    writers[type](bytes, value);
    this.raw(new Uint8Array(bytes.buffer));
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

type ScalarWriter = (view: DataView, value: number | bigint | boolean) => void;

const writers: Readonly<Record<NumberType | "bool", ScalarWriter>> = {
  uint8: (view, value) => view.setUint8(0, Number(value)),
  int8: (view, value) => view.setInt8(0, Number(value)),
  uint16: (view, value) => view.setUint16(0, Number(value), true),
  int16: (view, value) => view.setInt16(0, Number(value), true),
  uint32: (view, value) => view.setUint32(0, Number(value), true),
  int32: (view, value) => view.setInt32(0, Number(value), true),
  float32: (view, value) => view.setFloat32(0, Number(value), true),
  bool: (view, value) => view.setUint8(0, value ? 1 : 0),
  uint64: (view, value) => view.setBigUint64(0, BigInt(value), true),
  int64: (view, value) => view.setBigInt64(0, BigInt(value), true),
  float64: (view, value) => view.setFloat64(0, Number(value), true),
};

function isElementType(name: GgufTypeName): name is GgufElementType {
  return name !== "array";
}

const scalarTypes: ReadonlyMap<GgufValueType, GgufElementType> = new Map(
  ggufTypeNames.filter(isElementType).map((name) => [name, name]),
);

const elementTypes: ReadonlyMap<GgufValueType, GgufElementType> = new Map(
  ggufTypeNames.filter(isElementType).map((name) => [`array<${name}>` as const, name]),
);
