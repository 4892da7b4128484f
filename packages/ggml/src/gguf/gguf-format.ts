// The shapes and limits of GGUF as we accept it. Everything a file may ask of us is bounded here.

/** Value types; the index is the id in the file. */
export const ggufTypeNames = [
  "uint8",
  "int8",
  "uint16",
  "int16",
  "uint32",
  "int32",
  "float32",
  "bool",
  "string",
  "array",
  "uint64",
  "int64",
  "float64",
] as const;

export type GgufTypeName = (typeof ggufTypeNames)[number];
export type GgufElementType = Exclude<GgufTypeName, "array">;

/** `uint32`, or `array<uint32>`. */
export type GgufValueType = GgufElementType | `array<${GgufElementType}>`;

export type GgufArray =
  | readonly string[]
  | readonly boolean[]
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigUint64Array
  | BigInt64Array;

/** 64-bit integers are bigint only beyond ±2^53. */
export type GgufValue = number | bigint | boolean | string | GgufArray;

export interface GgufTensor {
  readonly name: string;
  /** ggml's type id. */
  readonly type: number;
  readonly typeName: string;
  /** ne0 first, as in ggml; 1 to 4, each at least 1. */
  readonly dimensions: readonly number[];
  /** From the start of the file. */
  readonly fileOffset: number;
  readonly byteLength: number;
}

export interface GgufFile {
  readonly path: string;
  readonly fileBytes: number;
  /** Changes when the file is replaced or written to; null when read from memory. */
  readonly identity: string | null;
  readonly version: number;
  readonly alignment: number;
  /** Where tensor data starts; may lie past the end when there are no tensors. */
  readonly dataOffset: number;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** The exact type each metadata value has in the file. */
  readonly metadataTypes: ReadonlyMap<string, GgufValueType>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

/** What a file may hold at most. */
export interface GgufLimits {
  readonly metadataBytesMax: number;
  readonly metadataKeysMax: number;
  readonly keyBytesMax: number;
  readonly stringBytesMax: number;
  readonly stringArrayElementsMax: number;
  readonly booleanArrayElementsMax: number;
  readonly tensorsMax: number;
  /** ggml keeps names in 64 bytes with a terminator. */
  readonly tensorNameBytesMax: number;
  readonly dimensionsMax: number;
}

/** Beyond these a file is `model_file_invalid`. */
export const ggufLimits: GgufLimits = {
  metadataBytesMax: 256 * 1024 * 1024,
  metadataKeysMax: 65_536,
  keyBytesMax: 1024,
  stringBytesMax: 64 * 1024 * 1024,
  stringArrayElementsMax: 4 * 1024 * 1024,
  booleanArrayElementsMax: 1024 * 1024,
  tensorsMax: 65_536,
  tensorNameBytesMax: 63,
  dimensionsMax: 4,
};

export const alignmentKey = "general.alignment";
export const alignmentDefault = 32;
export const alignmentMin = 8;
