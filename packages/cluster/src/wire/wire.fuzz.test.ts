import { Buffer } from "node:buffer";
import type { GenerationRequest } from "@loci/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testFacts } from "../testing/token-service.ts";
import { blockFrameHead, lastBlockFrame, readBlockFrames } from "./block-frames.ts";
import { decodeBlocksBody, encodeBlocksBody } from "./blocks-body.ts";
import { decodeChains, decodeErasure, decodeMatch, encodeErasure } from "./cache-bodies.ts";
import { decodeControlLine, encodeControlLine } from "./control-lines.ts";
import { decodeGenerationBody, encodeGenerationBody } from "./generation-body.ts";
import { decodeAnswerLine, encodeEvent } from "./generation-lines.ts";
import { LineSplitter } from "./line-splitter.ts";
import { decodeView } from "./observation-bodies.ts";
import {
  decodeOrder,
  encodeAsk,
  encodeEnd,
  encodeParcel,
  encodeParcelled,
  encodeRoom,
  unpack,
} from "./trunk-lines.ts";
import { WireError } from "./wire-error.ts";

const seeded = { seed: 5, numRuns: 300 };
const tokens = fc
  .array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { maxLength: 40 })
  .map((values) => Int32Array.from(values));
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const share = fc.double({ min: 0, max: 1, noNaN: true });
const positive = fc.double({ min: 0, max: 1e6, noNaN: true });
const text = fc.string({ unit: "binary", maxLength: 30 }).map((value) => value.toWellFormed());
const count = fc.integer({ min: 0, max: 1_000_000 });

const requests: fc.Arbitrary<GenerationRequest> = fc.record(
  {
    id: text,
    tenant: text,
    payer: text,
    promptTokens: tokens,
    maxTokens: count,
    minTokens: count,
    ignoreEos: fc.boolean(),
    stop: fc.array(text, { maxLength: 4 }),
    stopTokenIds: fc.array(count, { maxLength: 4 }),
    sampling: fc.record({
      temperature: positive,
      topK: count,
      topP: share,
      minP: share,
      repetitionPenalty: positive,
      presencePenalty: finite,
      frequencyPenalty: finite,
      logitBias: fc.array(fc.tuple(count, finite), { maxLength: 4 }).map((pairs) => new Map(pairs)),
      seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      logprobsTop: fc.option(fc.integer({ min: 0, max: 20 })),
      grammar: fc.option(text),
    }),
    priority: finite.map((value) => value + 0),
    firstTokenSecondsMax: positive,
    sessionKey: text,
    userText: text,
    retainSeconds: positive,
    deliveredTokens: tokens,
    traceparent: text,
  },
  {
    requiredKeys: [
      "id",
      "tenant",
      "promptTokens",
      "maxTokens",
      "minTokens",
      "ignoreEos",
      "stop",
      "stopTokenIds",
      "sampling",
    ],
  },
);

/** How `read` fails; as it should when it does not. */
function refusalOf(read: () => unknown): string {
  try {
    read();
    return "WireError";
  } catch (error) {
    return error instanceof WireError ? "WireError" : String(error);
  }
}

async function blocksIn(bytes: Uint8Array, size: number): Promise<Uint8Array[]> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const found: Uint8Array[] = [];
  for await (const block of readBlockFrames(chunks(), 4)) found.push(block);
  return found;
}

/** JSON takes -0 for 0. */
function plain(value: unknown): unknown {
  return typeof value === "number" && value === 0 ? 0 : value;
}

describe("what goes over the wire", () => {
  it("comes out of a body as it went in", () => {
    const fetch = { url: "http://10.0.0.1:80", blockStart: 1, blockEnd: 4 };
    fc.assert(
      fc.property(requests, fc.boolean(), (request, fetches) => {
        const body = { request, fetch: fetches ? fetch : null };
        const read = decodeGenerationBody(JSON.parse(encodeGenerationBody(body)));
        const { sampling, ...others } = read.request;
        const { sampling: asked, ...othersAsked } = request;
        expect(others).toEqual(othersAsked);
        expect(JSON.stringify(sampling)).toBe(JSON.stringify(asked));
        expect([...sampling.logitBias].flat().map(plain)).toEqual(
          [...asked.logitBias].flat().map(plain),
        );
        expect(read.fetch).toEqual(body.fetch);
      }),
      seeded,
    );
  });

  it("keeps events as they are, also improbable ones", () => {
    const events = [
      { type: "started", promptTokens: 3, cachedTokens: 2 },
      { type: "token", tokenId: 7, text: "ä\n\u0000", logprobs: null },
      {
        type: "finished",
        reason: "stop",
        text: "held",
        stoppedBy: "x",
        usage: { promptTokens: 1, cachedTokens: 0, completionTokens: 2 },
      },
      {
        type: "finished",
        reason: "stop",
        text: "",
        stoppedBy: 5,
        usage: { promptTokens: 1, cachedTokens: 0, completionTokens: 2 },
      },
    ] as const;
    for (const event of events) {
      expect(decodeAnswerLine(JSON.parse(encodeEvent(event)))).toEqual({ kind: "event", event });
    }
    const logprob = { tokenId: 1, bytes: Uint8Array.of(195), logprob: Number.NEGATIVE_INFINITY };
    const token = { type: "token", tokenId: 1, text: "", logprobs: { ...logprob, top: [logprob] } };
    const read = decodeAnswerLine(JSON.parse(encodeEvent({ ...token, type: "token" })));
    expect(read).toMatchObject({ event: { logprobs: { bytes: Uint8Array.of(195) } } });
  });

  it("reads what a worker says of itself", () => {
    const held = [{ tier: "host", blocks: Float64Array.of(1, 2 ** 53 - 1) }] as const;
    const lines = [
      { kind: "hello", facts: testFacts("a"), hasTrunk: true },
      { kind: "snapshot", snapshot: { sequence: 4, held } },
      { kind: "draining" },
      {
        kind: "batch",
        batch: {
          sequence: 2,
          events: [{ type: "cleared" }, { type: "removed", tier: "disk", blocks: [3, 4] }],
        },
      },
    ] as const;
    for (const line of lines) {
      expect(decodeControlLine(JSON.parse(encodeControlLine(line)))).toEqual(line);
    }
    const older = { kind: "hello", facts: testFacts("a"), protocol: 1 };
    expect(decodeControlLine(older)).toMatchObject({ hasTrunk: false });
    const erasure = { tokens: Int32Array.of(1, 2), sharedTokens: 1 };
    expect(decodeErasure(JSON.parse(JSON.stringify(encodeErasure("t", erasure))))).toEqual({
      tenant: "t",
      deleted: erasure,
    });
    const blocks = {
      tenant: "t",
      promptTokens: Int32Array.of(1),
      blockStart: 0,
      blockEnd: 1,
      fingerprint: "f",
    };
    expect(decodeBlocksBody(JSON.parse(encodeBlocksBody(blocks)))).toEqual(blocks);
  });

  it("is the same on a trunk", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(count, fc.jsonValue()), { minLength: 1 }), (said) => {
        const lines = said.map(([tag, line]) => encodeParcelled(tag, JSON.stringify(line)));
        const parcel = encodeParcel(lines);
        expect(parcel.indexOf("\n")).toBe(parcel.length - 1);
        const taken: unknown[] = [];
        unpack(JSON.parse(parcel), (tag, line) => taken.push([tag, line]));
        expect(taken).toEqual(JSON.parse(JSON.stringify(said)));
      }),
      seeded,
    );
    const orders = [encodeAsk(0, '{"x":1}'), encodeRoom(7, 128), encodeEnd(9)];
    expect(orders.map((line) => decodeOrder(JSON.parse(line)))).toEqual([
      { kind: "ask", tag: 0, body: { x: 1 } },
      { kind: "room", tag: 7, lines: 128 },
      { kind: "end", tag: 9 },
    ]);
  });

  it("is refused, and nothing worse, whatever somebody sends", () => {
    const decoders: readonly ((value: unknown) => unknown)[] = [
      decodeGenerationBody,
      decodeAnswerLine,
      decodeControlLine,
      decodeBlocksBody,
      decodeChains,
      decodeMatch,
      decodeErasure,
      decodeView,
      decodeOrder,
      (value) => unpack(value, () => undefined),
    ];
    const valid: unknown[] = [
      JSON.parse(encodeControlLine({ kind: "hello", facts: testFacts("a"), hasTrunk: true })),
      { type: "numbers", load: {}, snapshot: {} },
      { type: "error", code: "toString", message: "x" },
      {
        kind: "batch",
        batch: { sequence: 1, events: [{ type: "stored", tier: "x", blocks: [] }] },
      },
    ];
    const anything = fc.oneof(fc.jsonValue(), fc.constantFrom(...valid));
    const names = fc.constantFrom("kind", "type", "t", "x", "facts", "held", "usage", "prompt");
    const nearly = fc
      .tuple(anything, names, anything)
      .map(([value, name, other]) => Object.assign({}, value, { [name]: other }));
    fc.assert(
      fc.property(fc.oneof(anything, nearly), (value) => {
        for (const decode of decoders) {
          expect(refusalOf(() => decode(value))).toBe("WireError");
        }
      }),
      { ...seeded, numRuns: 3000 },
    );
  });
});

describe("LineSplitter", () => {
  it("finds the same lines however they are cut", () => {
    const lines = fc.array(fc.string({ unit: "binary" }).map((line) => line.replaceAll("\n", "")));
    fc.assert(
      fc.property(lines, fc.array(fc.integer({ min: 1, max: 9 })), (all, sizes) => {
        const bytes = Buffer.from(all.map((line) => `${line}\n`).join(""));
        const splitter = new LineSplitter(10_000);
        const found: string[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % Math.max(1, sizes.length)] ?? 3;
          found.push(...splitter.push(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(found).toEqual(all.map((line) => Buffer.from(line).toString("utf8")));
      }),
      seeded,
    );
  });

  it("refuses a line without end", () => {
    const splitter = new LineSplitter(10);
    expect([...splitter.push(Buffer.from("123456"))]).toEqual([]);
    expect(() => [...splitter.push(Buffer.from("78901"))]).toThrow(WireError);
  });
});

describe("frames of blocks", () => {
  const blocks = [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6, 7, 8), Uint8Array.of(9, 9, 9, 9)];
  const stream = Buffer.concat([
    ...blocks.flatMap((block, index) => [blockFrameHead(block, index), Buffer.from(block)]),
    lastBlockFrame(3),
  ]);

  it("come whole, however they are cut", async () => {
    for (let size = 1; size < 20; size++) expect(await blocksIn(stream, size)).toEqual(blocks);
  });

  it("never give a changed block, nor take a cut stream for a whole one", async () => {
    for (let at = 0; at < stream.length; at++) {
      const changed = Buffer.from(stream);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await expect(blocksIn(changed, 7)).rejects.toBeInstanceOf(WireError);
      await expect(blocksIn(stream.subarray(0, at), 7)).rejects.toBeInstanceOf(WireError);
    }
    const [first, second] = [stream.subarray(0, 12), stream.subarray(12, 24)];
    const swapped = Buffer.concat([second, first, stream.subarray(24)]);
    await expect(blocksIn(swapped, 7)).rejects.toBeInstanceOf(WireError);
  });
});
