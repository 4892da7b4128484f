// The secret that the processes of a cluster share. Only its digest is kept where it is checked, and
// compared in constant time.

import { createHash, timingSafeEqual } from "node:crypto";
import { LociError } from "@loci/core";

const keyCharsMin = 16;
const keyCharsMax = 512;

export class ClusterKey {
  readonly #key: string;
  readonly #digest: Buffer;

  /** Throws config_invalid for a key that could be guessed or does not fit in a header. */
  constructor(key: string) {
    if (key.length < keyCharsMin || key.length > keyCharsMax || !/^[\x21-\x7e]+$/.test(key)) {
      throw new LociError("config_invalid", "The cluster key cannot be used.", {
        remedy: `It has ${keyCharsMin} to ${keyCharsMax} printable ASCII characters without spaces.`,
      });
    }
    this.#key = key;
    this.#digest = digestOf(key);
  }

  /** The value of the header that proves who asks. */
  get authorization(): string {
    return `Bearer ${this.#key}`;
  }

  matches(authorization: string | undefined): boolean {
    const presented = /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
    return presented !== undefined && timingSafeEqual(this.#digest, digestOf(presented));
  }
}

function digestOf(key: string): Buffer {
  return createHash("sha256").update(key, "utf8").digest();
}
