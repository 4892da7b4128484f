// Bytes in, lines out. A line may come in many pieces; one longer than the bound ends the stream.

import { WireError } from "./wire-error.ts";

const newline = 0x0a;

export class LineSplitter {
  readonly #lineBytesMax: number;
  /** Pieces of the line that has not ended. */
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** The lines that end in `chunk`, without their ends. */
  *push(chunk: Uint8Array): Generator<string, void, undefined> {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      yield this.#take(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start < chunk.byteLength) this.#keep(chunk.subarray(start));
  }

  #take(last: Uint8Array): string {
    this.#keep(last);
    const bytes = this.#pieces.length === 1 ? last : Buffer.concat(this.#pieces, this.#piecesBytes);
    this.#pieces = [];
    this.#piecesBytes = 0;
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  }

  #keep(piece: Uint8Array): void {
    this.#piecesBytes += piece.byteLength;
    if (this.#piecesBytes > this.#lineBytesMax) {
      throw new WireError(`a line is longer than ${this.#lineBytesMax} bytes`);
    }
    this.#pieces.push(piece);
  }
}

/** A line as JSON. */
export function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new WireError("a line is not JSON");
  }
}
