// Contents of blocks on their way between workers. Each is a frame:
//
//   ┌────────────────┬──────────────────┬───────────────┐
//   │ length, 4 bytes│ CRC-32, 4 bytes  │ length bytes  │
//   └────────────────┴──────────────────┴───────────────┘
//
// A frame of length 0, with a checksum of its own, says that nothing follows; a stream that ends without it was cut. Numbers are
// little endian. The checksum is of the contents and the frame's number, so that frames cannot
// change places.

import { crc32 } from "node:zlib";
import { WireError } from "./wire-error.ts";

const headBytes = 8;

export function blockFrameHead(contents: Uint8Array, index: number): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(contents.byteLength, 0);
  head.writeUInt32LE(checksum(contents, index), 4);
  return head;
}

/** `count`: of the frames before it. */
export function lastBlockFrame(count: number): Buffer {
  return blockFrameHead(new Uint8Array(), count);
}

/**
 * The blocks of a stream, each of `blockBytes`. Throws WireError for a wrong length or checksum and
 * for a stream that was cut.
 */
export async function* readBlockFrames(
  chunks: AsyncIterable<Uint8Array>,
  blockBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new ExactReader(chunks);
  for (let index = 0; ; index++) {
    const head = Buffer.from(await reader.take(headBytes));
    const length = head.readUInt32LE(0);
    if (length !== 0 && length !== blockBytes) throw new WireError("a block has another size");
    const contents = await reader.take(length);
    if (checksum(contents, index) !== head.readUInt32LE(4))
      throw new WireError("a block is damaged");
    if (length === 0) return;
    yield contents;
  }
}

function checksum(contents: Uint8Array, index: number): number {
  const number = Buffer.alloc(4);
  number.writeUInt32LE(index);
  return crc32(contents, crc32(number));
}

/** Takes so many bytes at a time from chunks of any size. */
class ExactReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async take(bytes: number): Promise<Uint8Array> {
    const taken = new Uint8Array(bytes);
    let filled = 0;
    while (filled < bytes) {
      if (this.#rest.byteLength === 0) this.#rest = await this.#next();
      const part = this.#rest.subarray(0, bytes - filled);
      taken.set(part, filled);
      filled += part.byteLength;
      this.#rest = this.#rest.subarray(part.byteLength);
    }
    return taken;
  }

  async #next(): Promise<Uint8Array> {
    const { done, value } = await this.#chunks.next();
    if (done === true) throw new WireError("the blocks were cut off");
    return value;
  }
}
