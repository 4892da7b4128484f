import * as fc from "fast-check";
import { pack } from "msgpackr";
import { describe, expect, it, test } from "vitest";
import { decodeBatch } from "./engine-events.ts";
import type { EngineEvent } from "./engine-events.ts";

const tokens = Array.from({ length: 8 }, (_, index) => index * 3);
const array = ["BlockStored", [7n, 2n ** 64n - 1n], null, tokens, 4, null];
const map = {
  type: "BlockStored",
  block_hashes: [7n, 2n ** 64n - 1n],
  parent_block_hash: null,
  token_ids: tokens,
  block_size: 4,
  lora_id: null,
  medium: "GPU",
  lora_name: null,
  extra_keys: [null, null],
  group_idx: 0,
  kv_cache_spec_kind: "full_attention",
};
const stored = {
  type: "stored",
  hashes: [7n, 2n ** 64n - 1n],
  parent: null,
  tokens: Int32Array.from(tokens),
  blockTokens: 4,
  tier: "device",
} as const;

function decode(...events: readonly unknown[]): readonly EngineEvent[] {
  return decodeBatch(pack([1.5, events, 0]))?.events ?? [];
}

describe("decodeBatch", () => {
  it("reads SGLang's and older vLLM's arrays", () => {
    expect(decode(array)).toEqual([{ ...stored, salt: null }]);
    expect(decode([...array, "CPU"])).toEqual([{ ...stored, salt: null, tier: "host" }]);
    expect(decode(["BlockRemoved", [1]], ["AllBlocksCleared"])).toEqual([
      { type: "removed", hashes: [1n], tier: null },
      { type: "cleared" },
    ]);
  });

  it("reads later vLLM's maps, in an array or a map", () => {
    const removed = { type: "BlockRemoved", block_hashes: [3], medium: "CPU" };
    const expected = [
      { ...stored, salt: "" },
      { type: "removed", hashes: [3n], tier: "host" },
      { type: "cleared" },
    ];
    const events = [map, removed, { type: "AllBlocksCleared" }];
    expect(decode(...events)).toEqual(expected);
    expect(decodeBatch(pack({ ts: 1, events }))?.events).toEqual(expected);
  });

  it("reads hashes that are bytes, and gives one name to signed and unsigned numbers", () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, index) => index * 8);
    const [event] = decode({ ...map, block_hashes: [bytes, -1n], parent_block_hash: bytes });
    const name = Buffer.from(bytes).toString("latin1");
    expect(event).toMatchObject({ hashes: [name, 2n ** 64n - 1n], parent: name });
  });

  it("reads a tenant's salt", () => {
    const salted = decode({ ...map, extra_keys: [["salt"], null] });
    expect(salted).toEqual([{ ...stored, salt: "salt" }]);
  });

  it("leaves out, and counts, what tokens do not say: adapters, images, other layers", () => {
    const strange = [
      { ...map, lora_name: "adapter" },
      { ...map, lora_id: 1 },
      { ...map, extra_keys: [["image-1", "salt"], null] },
      { ...map, extra_keys: [null, ["image"]] },
      { ...map, kv_cache_spec_kind: "sliding_window" },
      { ...map, group_idx: 1 },
      { type: "BlockRemoved", block_hashes: [1], group_idx: 1 },
      { ...map, medium: "SOMEBODY_ELSES" },
      { ...map, token_ids: tokens.slice(1) },
      { ...map, block_size: 0 },
      { ...map, token_ids: [...tokens.slice(1), -1] },
      ["Unheard", 1],
      7,
    ];
    expect(decodeBatch(pack([0, strange, 0]))).toEqual({ events: [], skipped: strange.length });
  });

  it("refuses what is no batch", () => {
    expect(decodeBatch(pack("text"))).toBeNull();
    expect(decodeBatch(pack([1]))).toBeNull();
    expect(decodeBatch(new Uint8Array())).toBeNull();
  });
});

test("bytes of every kind, and damaged batches, are read or refused without an error", () => {
  const valid = pack([1.5, [map, array, ["BlockRemoved", [1]]], 0]);
  const damaged = fc
    .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 6 })
    .map((changes) => {
      const bytes = Uint8Array.from(valid);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (bytes) => {
      for (const event of decodeBatch(bytes)?.events ?? []) {
        if (event.type !== "stored") continue;
        expect(event.tokens.length).toBe(event.hashes.length * event.blockTokens);
      }
    }),
    { numRuns: 4000, seed: 11 },
  );
});
