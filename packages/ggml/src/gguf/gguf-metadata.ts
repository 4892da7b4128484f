// The key-value part of a GGUF file: typed scalars, strings, and arrays of them. Arrays of arrays
// are refused: nothing that reads model files uses them, and they are how small files ask for depth.

import { assert } from "@loci/core";
import { endianness } from "node:os";
import type { ByteCursor } from "./byte-cursor.ts";
import {
  ggufLimits,
  ggufTypeNames,
  type GgufArray,
  type GgufElementType,
  type GgufTypeName,
  type GgufValue,
  type GgufValueType,
} from "./gguf-format.ts";
import { numberArrays } from "./number-arrays.ts";

export interface GgufMetadata {
  readonly values: Map<string, GgufValue>;
  readonly types: Map<string, GgufValueType>;
}

/** Reads `count` pairs; throws `model_file_invalid`. */
export function parseMetadata(cursor: ByteCursor, count: number): GgufMetadata {
  assert(endianness() === "LE", "the host is little-endian, as the files are");
  const values = new Map<string, GgufValue>();
  const types = new Map<string, GgufValueType>();
  for (let index = 0; index < count; index++) {
    const start = cursor.position;
    const key = parseKey(cursor);
    if (values.has(key)) throw cursor.invalid(`the metadata key ${key} occurs twice`, start);
    const type = parseType(cursor, key);
    if (type === "array") {
      const element = parseType(cursor, key);
      if (element === "array") throw cursor.invalid(`${key} is an array of arrays`);
      values.set(key, parseArray(cursor, element, key));
      types.set(key, `array<${element}>`);
    } else {
      values.set(key, scalarReaders[type](cursor, key));
      types.set(key, type);
    }
  }
  return { values, types };
}

function parseKey(cursor: ByteCursor): string {
  const start = cursor.position;
  const length = cursor.count(1, ggufLimits.keyBytesMax, "the length of a metadata key");
  const key = cursor.byteText(length);
  if (!isName(key)) {
    throw cursor.invalid("a metadata key is empty or holds unprintable characters", start);
  }
  return key;
}

/** Printable ASCII without spaces, at least one character. */
export function isName(text: string): boolean {
  return /^[!-~]+$/.test(text);
}

function parseType(cursor: ByteCursor, key: string): GgufTypeName {
  const start = cursor.position;
  const id = cursor.uint32();
  const name = ggufTypeNames[id];
  if (name === undefined) throw cursor.invalid(`${key} has the unknown value type ${id}`, start);
  return name;
}

type ScalarReader = (cursor: ByteCursor, key: string) => GgufValue;

const scalarReaders: Readonly<Record<GgufElementType, ScalarReader>> = {
  uint8: (cursor) => cursor.uint8(),
  int8: (cursor) => cursor.int8(),
  uint16: (cursor) => cursor.uint16(),
  int16: (cursor) => cursor.int16(),
  uint32: (cursor) => cursor.uint32(),
  int32: (cursor) => cursor.int32(),
  float32: (cursor) => cursor.float32(),
  float64: (cursor) => cursor.float64(),
  uint64: (cursor) => narrow(cursor.uint64()),
  int64: (cursor) => narrow(cursor.int64()),
  bool: parseBoolean,
  string: parseString,
};

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function parseBoolean(cursor: ByteCursor, key: string): boolean {
  const start = cursor.position;
  const value = cursor.uint8();
  if (value > 1) throw cursor.invalid(`${key} is a boolean with the value ${value}`, start);
  return value === 1;
}

function parseString(cursor: ByteCursor, key: string): string {
  return cursor.text(cursor.count(1, ggufLimits.stringBytesMax, `the string length of ${key}`));
}

function parseArray(cursor: ByteCursor, element: GgufElementType, key: string): GgufArray {
  const what = `the array length of ${key}`;
  if (element === "string") {
    const count = cursor.count(8, ggufLimits.stringArrayElementsMax, what);
    return cursor.texts(count, ggufLimits.stringBytesMax, `a string length in ${key}`);
  }
  if (element === "bool") {
    const count = cursor.count(1, ggufLimits.booleanArrayElementsMax, what);
    const values: boolean[] = [];
    for (let index = 0; index < count; index++) values.push(parseBoolean(cursor, key));
    return values;
  }
  const Numbers = numberArrays[element];
  const size = Numbers.BYTES_PER_ELEMENT;
  const array = new Numbers(cursor.count(size, ggufLimits.metadataBytesMax / size, what));
  cursor.copyInto(new Uint8Array(array.buffer));
  return array;
}
