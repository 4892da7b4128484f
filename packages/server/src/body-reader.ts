// Receives a request's body into one growing buffer. Chunks are copied at once, because a body
// sent one byte per chunk would otherwise cost a hundred times its size, and the memory of all
// bodies on their way is bounded together.

import type { Readable } from "node:stream";
import { assert, LociError } from "@loci/core";

export interface BodyBounds {
  readonly bodyBytesMax: number;
  readonly bodyBytesInFlightMax: number;
}

const firstBytes = 4096;

export class BodyReader {
  readonly #bounds: BodyBounds;
  #bytesInFlight = 0;

  constructor(bounds: BodyBounds) {
    this.#bounds = bounds;
  }

  /** Resolves with the whole body. Throws payload_too_large or unavailable as soon as it is known. */
  async read(stream: Readable, announcedBytes: number): Promise<Buffer> {
    if (announcedBytes > this.#bounds.bodyBytesMax) throw this.#tooLarge();
    let buffer: Buffer = Buffer.alloc(0);
    let length = 0;
    try {
      // The stream must outlive this loop: destroying it would cut the connection before the answer.
      for await (const part of stream.iterator({ destroyOnReturn: false })) {
        assert(part instanceof Uint8Array, "a body arrives as bytes");
        if (length + part.byteLength > this.#bounds.bodyBytesMax) throw this.#tooLarge();
        if (length + part.byteLength > buffer.byteLength) {
          buffer = this.#grow(buffer, length + part.byteLength);
        }
        buffer.set(part, length);
        length += part.byteLength;
      }
      return buffer.subarray(0, length);
    } catch (error) {
      if (error instanceof LociError) throw error;
      throw new LociError("cancelled", "The client left while sending.", { cause: error });
    } finally {
      this.#bytesInFlight -= buffer.byteLength;
    }
  }

  checkIntegrity(): void {
    assert(this.#bytesInFlight >= 0, "bytes in flight are never negative");
    assert(this.#bytesInFlight <= this.#bounds.bodyBytesInFlightMax, "bytes in flight are bounded");
  }

  get bytesInFlight(): number {
    return this.#bytesInFlight;
  }

  #grow(buffer: Buffer, lengthNeeded: number): Buffer {
    const wanted = Math.max(lengthNeeded, buffer.byteLength * 2, firstBytes);
    const size = Math.min(wanted, this.#bounds.bodyBytesMax);
    const added = size - buffer.byteLength;
    if (this.#bytesInFlight + added > this.#bounds.bodyBytesInFlightMax) {
      throw new LociError("unavailable", "The server is receiving too many requests.", {
        retryAfterSeconds: 1,
      });
    }
    this.#bytesInFlight += added;
    const grown = Buffer.alloc(size);
    grown.set(buffer);
    return grown;
  }

  #tooLarge(): LociError {
    const { bodyBytesMax } = this.#bounds;
    return new LociError("payload_too_large", `The body is larger than ${bodyBytesMax} bytes.`);
  }
}
