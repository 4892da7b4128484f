// Where ids and absent seeds come from: one small source, so that tests and replays can fix both.

import { randomBytes } from "node:crypto";

export interface EntropySource {
  /** `bytes` random bytes as lower-case hexadecimal. */
  hex(bytes: number): string;
  /** Unsigned 32-bit. */
  seed(): number;
}

export const systemEntropy: EntropySource = {
  hex: (bytes) => randomBytes(bytes).toString("hex"),
  seed: () => randomBytes(4).readUInt32LE(0),
};
