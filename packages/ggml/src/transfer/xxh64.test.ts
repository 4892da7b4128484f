import { describe, expect, test } from "vitest";
import { checksumBytes } from "./block-transfer.ts";
import { createBlockTransfer } from "./create-block-transfer.ts";
import { RestoreGates } from "./restore-gates.ts";
import { writeXxh64 } from "./xxh64.ts";

/** Published test vectors, seed 0. */
const vectors: readonly (readonly [text: string, hash: string])[] = [
  ["", "ef46db3751d8e999"],
  ["a", "d24ec4f1a98c6e5b"],
  ["abc", "44bc2cf5ad770999"],
  ["Nobody inspects the spammish repetition", "fbcea83c8a378bf1"],
];

describe("XXH64", () => {
  test.each(vectors)("of %j", (text, hash) => {
    const sum = new Uint8Array(checksumBytes);
    writeXxh64(Buffer.from(text), sum);
    expect(Buffer.from(sum.toReversed()).toString("hex")).toBe(hash);
  });

  test("is the same in both languages at every length and content", () => {
    using gates = new RestoreGates();
    const native = createBlockTransfer({ gates, mode: "auto" });
    expect(native.name).toBe("native");
    for (let length = 1; length <= 300; length++) {
      const header = Uint8Array.from({ length: length + checksumBytes }, (_, index) =>
        length % 7 === 0 ? 255 : (index * 167 + (index >> 3) * length) & 255,
      );
      writeXxh64(header.subarray(0, length), header.subarray(length));
      expect([...native.checkHeaders(header, header.length)], `length ${length}`).toEqual([1]);
      header[length >> 1] = (header[length >> 1] as number) ^ 1;
      expect([...native.checkHeaders(header, header.length)], `length ${length}`).toEqual([0]);
    }
  });
});
