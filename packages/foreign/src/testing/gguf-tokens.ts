// The bytes of each token of a model file with a byte-level vocabulary, as GPT-2's: enough of the
// GGUF format to find `tokenizer.ggml.tokens`. For tests; whoever serves has a real vocabulary.

import { readFileSync } from "node:fs";
import { assert } from "@loci/core";

const stringType = 8;
const arrayType = 9;
/** Bytes of a value by its type: u8 i8 u16 i16 u32 i32 f32 bool, then u64 i64 f64. */
const sizes: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};

/** Token id → bytes; none for control tokens, whose names are not of bytes or in `<|…|>`. */
export function readTokenBytes(path: string): readonly Uint8Array[] {
  const reader = new Reader(readFileSync(path));
  reader.skip(16);
  const count = reader.length();
  for (let index = 0; index < count; index++) {
    const key = reader.text();
    const type = reader.number();
    if (key === "tokenizer.ggml.tokens") return reader.texts().map((name) => bytesOf(name));
    reader.skipValue(type);
  }
  throw new Error(`${path} has no vocabulary`);
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }

  number(): number {
    this.#at += 4;
    return this.#bytes.readUInt32LE(this.#at - 4);
  }

  length(): number {
    this.#at += 8;
    return Number(this.#bytes.readBigUInt64LE(this.#at - 8));
  }

  text(): string {
    const length = this.length();
    this.#at += length;
    return this.#bytes.toString("utf8", this.#at - length, this.#at);
  }

  texts(): readonly string[] {
    assert(this.number() === stringType, "tokens are strings");
    return Array.from({ length: this.length() }, () => this.text());
  }

  skipValue(type: number): void {
    if (type === stringType) this.skip(this.length());
    else if (type === arrayType) {
      const element = this.number();
      const count = this.length();
      for (let index = 0; index < count; index++) this.skipValue(element);
    } else this.skip(sizes[type] ?? 0);
  }
}

/** GPT-2 writes each byte as a printable character: most as they are, the others from U+0100 on. */
function bytesOf(name: string): Uint8Array {
  if (/^<\|.*\|>$/.test(name)) return new Uint8Array();
  const bytes = Array.from(name, (character) => byteOfCharacter.get(character) ?? -1);
  return bytes.includes(-1) ? new Uint8Array() : Uint8Array.from(bytes);
}

function isPrintable(byte: number): boolean {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

const byteOfCharacter: ReadonlyMap<string, number> = (() => {
  const characters = new Map<string, number>();
  let others = 0;
  for (let byte = 0; byte < 256; byte++) {
    const code = isPrintable(byte) ? byte : 256 + others++;
    characters.set(String.fromCodePoint(code), byte);
  }
  return characters;
})();
