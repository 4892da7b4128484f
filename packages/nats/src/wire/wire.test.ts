import { createHmac } from "node:crypto";

import { kvTierNames } from "@loci/core";
import type { KvEvent, KvEventBatch, KvSnapshot, WorkerLoad } from "@loci/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  decodeBatch,
  decodeSnapshot,
  encodeBatch,
  encodeSnapshot,
  joinSnapshot,
  pieceNamesMax,
  splitSnapshot,
} from "./kv-codec.ts";
import {
  decodeQuestion,
  decodeRepairPart,
  encodeQuestion,
  joinRepair,
  repairParts,
} from "./repair-codec.ts";
import type { Repair, RepairPart } from "./repair-codec.ts";
import { decodeLoad, decodeMember, encodeReport } from "./report-codec.ts";
import { messageBytesMax, noNonce, Seal } from "./sealed-message.ts";
import type { SealedMessage } from "./sealed-message.ts";

const runs = { seed: 7, numRuns: 300 };

const blockName = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const tier = fc.constantFrom(...kvTierNames);
const event: fc.Arbitrary<KvEvent> = fc.oneof(
  fc.record({
    type: fc.constantFrom("stored" as const, "removed" as const),
    tier,
    blocks: fc.array(blockName, { maxLength: 40 }),
  }),
  fc.constant({ type: "cleared" as const }),
);
const batch: fc.Arbitrary<KvEventBatch> = fc.record({
  sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  events: fc.array(event, { maxLength: 8 }),
});
const snapshot: fc.Arbitrary<KvSnapshot> = fc.record({
  sequence: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  held: fc.array(
    fc.record({
      tier,
      blocks: fc.array(blockName, { maxLength: 40 }).map((names) => Float64Array.from(names)),
    }),
    { maxLength: 3 },
  ),
});
const name = fc.stringMatching(/^[\x21-\x7e]{1,40}$/);
const message: fc.Arbitrary<SealedMessage> = fc.record({
  kind: fc.constantFrom("member", "events", "load", "repair", "question", "sent"),
  workerId: name,
  epoch: name,
  count: fc.maxSafeNat(),
  nonce: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  body: fc.uint8Array({ maxLength: 200 }),
});

const load: WorkerLoad = {
  requestsRunning: 3,
  requestsWaiting: 1,
  prefillTokensPending: 812,
  contextTokens: 4096,
  decodeTokensExpected: 210.5,
  kvBlocksTotal: 1024,
  kvBlocksFree: 12,
  kvBlocksCached: 800,
  kvBlocksPeak: 990.25,
  evictionSecondsPerBlock: 0.0012,
  latency: {
    secondsPerStep: 0.01,
    secondsPerToken: 0.001,
    secondsPerAttended: 2e-8,
    secondsPerSequence: 1e-5,
  },
  restoreSecondsPerBlock: { host: 0.0001, disk: 0.002 },
  answerTokensMean: 77.5,
  fetchSecondsPerBlock: 0.0004,
};

const isPart = (part: RepairPart | null): part is RepairPart => part !== null;

describe("batches and snapshots", () => {
  test("come back as they were", () => {
    fc.assert(
      fc.property(batch, (value) => {
        expect(decodeBatch(encodeBatch(value))).toEqual(value);
      }),
      runs,
    );
    fc.assert(
      fc.property(snapshot, (value) => {
        expect(decodeSnapshot(encodeSnapshot(value))).toEqual(value);
      }),
      runs,
    );
  });

  test("cut short or with something behind, are refused", () => {
    fc.assert(
      fc.property(batch, fc.nat(), (value, cut) => {
        const bytes = encodeBatch(value);
        expect(decodeBatch(bytes.subarray(0, cut % bytes.length))).toBeNull();
        expect(decodeBatch(new Uint8Array([...bytes, 0]))).toBeNull();
      }),
      runs,
    );
  });

  test("with a length that lies, allocate nothing and are refused", () => {
    // Sequence 1, one event: stored, device, 2^50 names.
    const bytes = [1, 1, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2];
    expect(decodeBatch(Uint8Array.from(bytes))).toBeNull();
    expect(decodeBatch(new Uint8Array(40).fill(0xff))).toBeNull();
  });

  test("with more names than one message takes, a snapshot is split and joined", () => {
    const blocks = Float64Array.from({ length: 2 * pieceNamesMax + 5 }, (_, index) => index * 3);
    const whole = { sequence: 9, held: [{ tier: "host" as const, blocks }] };
    const pieces = splitSnapshot(whole);
    expect(pieces).toHaveLength(3);
    for (const piece of pieces) {
      expect(encodeSnapshot(piece).length).toBeLessThan(messageBytesMax);
    }
    const joined = joinSnapshot(pieces);
    expect(joined.held.flatMap((held) => Array.from(held.blocks))).toEqual(Array.from(blocks));
  });
});

const overTheWire = (repair: Repair): RepairPart[] => {
  const parts = repairParts(repair);
  const encoded = Array.from({ length: parts?.parts ?? 0 }, (_, part) => parts?.encode(part));
  return encoded.map((bytes) => decodeRepairPart(bytes ?? new Uint8Array(0))).filter(isPart);
};

describe("repairs", () => {
  test("come back, in any order of their parts, and incomplete ones do not", () => {
    const batches = [3, 4, 5].map((sequence) => ({ sequence, events: [] }));
    const parts = overTheWire({ form: "batches", batches });
    expect(joinRepair(parts.toReversed())).toEqual({ form: "batches", batches });
    expect(joinRepair(parts.slice(1))).toBeNull();
    expect(joinRepair([])).toEqual({ form: "batches", batches: [] });
    expect(overTheWire({ form: "batches", batches: [] })).toHaveLength(1);
    expect(
      repairParts({
        form: "batches",
        batches: Array.from({ length: 300 }, () => batches[0] ?? { sequence: 1, events: [] }),
      }),
    ).toBeNull();
  });

  test("with a snapshot come back", () => {
    fc.assert(
      fc.property(snapshot, (value) => {
        const held = value.held.filter(({ blocks }) => blocks.length > 0);
        expect(joinRepair(overTheWire({ form: "snapshot", snapshot: value }))).toEqual({
          form: "snapshot",
          snapshot: { ...value, held },
        });
      }),
      { ...runs, numRuns: 50 },
    );
  });

  test("are asked for by number", () => {
    for (const after of [0, 1, 123_456_789_012]) {
      expect(decodeQuestion(encodeQuestion(after))).toBe(after);
    }
    expect(decodeQuestion(new Uint8Array(0))).toBeNull();
  });
});

describe("reports", () => {
  test("come back as they were", () => {
    expect(decodeLoad(encodeReport(load))).toEqual(load);
    const { fetchSecondsPerBlock: _none, ...rest } = load;
    const bare = { ...rest, latency: null, answerTokensMean: null, restoreSecondsPerBlock: {} };
    expect(decodeLoad(encodeReport(bare))).toEqual(bare);
    const member = { url: "http://10.0.0.7:8081", state: "up", sequence: 4 } as const;
    expect(decodeMember(encodeReport(member))).toEqual(member);
  });

  test.each([
    { ...load, kvBlocksFree: -1 },
    { ...load, contextTokens: 1e18 },
    { ...load, latency: { ...load.latency, secondsPerToken: -1 } },
    { ...load, latency: 7 },
    { ...load, restoreSecondsPerBlock: null },
    { ...load, restoreSecondsPerBlock: { disk: "fast" } },
    { ...load, answerTokensMean: "many" },
    { ...load, fetchSecondsPerBlock: -1 },
    { ...load, padding: "x".repeat(9000) },
    [],
    null,
  ])("with a field that cannot be, are refused (%#)", (value) => {
    expect(decodeLoad(new TextEncoder().encode(JSON.stringify(value)))).toBeNull();
  });

  test("of members with a state, address or number that cannot be, are refused", () => {
    const good = { url: "http://10.0.0.7:8081", state: "up", sequence: 4 };
    const bad = [
      { ...good, state: "dead" },
      { ...good, url: "x".repeat(600) },
      { ...good, sequence: 0.5 },
    ];
    for (const value of bad) {
      expect(decodeMember(new TextEncoder().encode(JSON.stringify(value)))).toBeNull();
    }
    expect(decodeMember(Uint8Array.from([0xff, 0xfe]))).toBeNull();
  });
});

describe("seals", () => {
  const seal = new Seal("the cluster's key", "blue");

  test("give back what was sealed", () => {
    fc.assert(
      fc.property(message, (value) => {
        const bytes = seal.close(value) ?? new Uint8Array(0);
        const opened = seal.open(bytes);
        expect({
          ...opened,
          body: [...(opened?.body ?? [])],
          nonce: [...(opened?.nonce ?? [])],
        }).toEqual({
          ...value,
          body: [...value.body],
          nonce: [...value.nonce],
        });
      }),
      runs,
    );
  });

  test("are broken by any changed bit", () => {
    fc.assert(
      fc.property(message, fc.nat(), (value, at) => {
        const bytes = Uint8Array.from(seal.close(value) ?? []);
        const bit = at % (bytes.length * 8);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(seal.open(bytes)).toBeNull();
      }),
      runs,
    );
  });

  test("end with the HMAC that others would compute", () => {
    const key = createHmac("sha256", "the cluster's key")
      .update("loci control plane\0blue")
      .digest();
    fc.assert(
      fc.property(message, (value) => {
        const bytes = seal.close(value) ?? new Uint8Array(0);
        const code = createHmac("sha256", key).update(bytes.subarray(0, -32)).digest();
        expect(code.equals(bytes.subarray(-32))).toBe(true);
      }),
      { ...runs, numRuns: 50 },
    );
  });

  test("of another key, another cluster, or nobody, are refused", () => {
    const value = {
      kind: "member",
      workerId: "a",
      epoch: "1",
      count: 1,
      nonce: noNonce,
      body: new Uint8Array(3),
    } as const;
    const bytes = seal.close(value) ?? new Uint8Array(0);
    expect(seal.open(bytes)).not.toBeNull();
    expect(new Seal("another key", "blue").open(bytes)).toBeNull();
    expect(new Seal("the cluster's key", "green").open(bytes)).toBeNull();
    expect(seal.open(new Uint8Array(0))).toBeNull();
    expect(seal.open(new Uint8Array(messageBytesMax + 1))).toBeNull();
  });

  test("do not close over more than a message takes", () => {
    const value = { kind: "events", workerId: "a", epoch: "1", count: 1, nonce: noNonce } as const;
    expect(seal.close({ ...value, body: new Uint8Array(messageBytesMax) })).toBeNull();
    expect(seal.close({ ...value, body: new Uint8Array(messageBytesMax - 512) })).not.toBeNull();
  });
});

test("random bytes are nothing", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      const decoded = [decodeBatch(bytes), decodeSnapshot(bytes), decodeRepairPart(bytes)];
      for (const value of decoded) {
        // Whatever it is taken for, it holds no more than the bytes can say.
        expect(JSON.stringify(value).length).toBeLessThan(bytes.length * 60 + 100);
      }
      expect(decodeLoad(bytes)).toBeNull();
      expect(decodeMember(bytes)).toBeNull();
    }),
    { seed: 11, numRuns: 3000 },
  );
});
