import { Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { RetentionEntry } from "./retention-entry.ts";
import { ReturnModel } from "./return-model.ts";

function blocks(count: number, tokens: number): RetentionEntry[] {
  return Array.from({ length: count }, (_, index) => new RetentionEntry(index * tokens, tokens));
}

/**
 * Conversations whose prompts are short come back after a minute, documents never; blocks of
 * `tokens` tokens. Returns one of each, idle for 10 s.
 */
function traffic(model: ReturnModel, tokens: number): { chat: number; document: number } {
  const random = new Random(5);
  const returning: { atMs: number; entries: RetentionEntry[] }[] = [];
  let nowMs = 0;
  let chat: RetentionEntry[] = [];
  let document: RetentionEntry[] = [];
  for (let step = 0; step < 800; step++) {
    nowMs += random.integer(100, 2000);
    const due = returning.findIndex(({ atMs }) => atMs <= nowMs);
    const [back] = due < 0 ? [] : returning.splice(due, 1);
    if (back !== undefined || random.next() < 0.3) {
      const known = back?.entries ?? blocks(2, tokens);
      chat = [...known, new RetentionEntry(known.length * tokens, tokens)];
      model.used(chat, nowMs, 50);
      const atMs = nowMs + random.integer(30_000, 90_000);
      if (chat.length < 12) returning.push({ atMs, entries: chat });
    } else {
      document = blocks(64, tokens);
      model.used(document, nowMs, 50);
    }
  }
  model.checkIntegrity();
  const [ofChat] = chat;
  const [ofDocument] = document;
  if (ofChat === undefined || ofDocument === undefined) throw new Error("both kinds came");
  return {
    chat: model.rate(ofChat, ofChat.lastUseMs + 10_000),
    document: model.rate(ofDocument, ofDocument.lastUseMs + 10_000),
  };
}

describe("ReturnModel", () => {
  it("learns who returns", () => {
    const { chat, document } = traffic(new ReturnModel(), 16);
    expect(chat).toBeGreaterThan(5 * document);
    // Of a chat, about one return per minute of keeping.
    expect(chat).toBeGreaterThan(1 / 200);
    expect(chat).toBeLessThan(1 / 20);
  });

  it("learns the same whatever the size of blocks", () => {
    const [small, large] = [traffic(new ReturnModel(), 16), traffic(new ReturnModel(), 512)];
    expect(large.chat / small.chat).toBeCloseTo(1, 1);
    expect(large.document / small.document).toBeCloseTo(1, 1);
  });

  it("tells how likely a block is used again at all", () => {
    const model = new ReturnModel();
    const entry = new RetentionEntry(0, 16);
    const use = (request: number): number => {
      const last = new RetentionEntry(0, 16);
      model.used([last], request * 20_000);
      return model.chance(last, last.lastUseMs + 1000);
    };
    model.used([entry], 0);
    const unknown = model.chance(entry, 1000);
    // Nobody ever comes back.
    const learned = Array.from({ length: 400 }, (_, index) => use(index + 1)).at(-1);
    expect(unknown).toBeGreaterThan(0.5);
    expect(unknown).toBeLessThanOrEqual(1);
    expect(learned).toBeGreaterThanOrEqual(0);
    expect(learned).toBeLessThan(unknown / 5);
  });

  it("takes a copy of a block's beginning for a return", () => {
    const [copied, ignored] = [true, false].map((isCopied) => {
      const model = new ReturnModel();
      let tail = new RetentionEntry(0, 16);
      for (let request = 0; request < 400; request++) {
        tail = new RetentionEntry(0, 16);
        model.used([tail], request * 20_000);
        if (isCopied) model.copied(tail, request * 20_000 + 10_000);
      }
      model.checkIntegrity();
      return model.chance(tail, tail.lastUseMs);
    });
    expect(copied).toBeGreaterThan(5 * (ignored ?? 1));
  });

  it("does the same for the same requests", () => {
    expect(traffic(new ReturnModel(), 16)).toEqual(traffic(new ReturnModel(), 16));
  });

  it("works when it may watch only few blocks", () => {
    const { chat, document } = traffic(new ReturnModel({ observationsMax: 64 }), 16);
    expect(chat).toBeGreaterThan(document);
  });

  it("writes down what it knows of each block", () => {
    const model = new ReturnModel();
    const first = blocks(4, 32);
    model.used(first, 1000);
    const second = [...first, new RetentionEntry(128, 32)];
    model.used(second, 2000);
    expect(second.map(({ uses }) => uses)).toEqual([2, 2, 2, 2, 1]);
    const [trunk] = first;
    if (trunk === undefined) throw new Error("there is a first block");
    const other = [trunk, ...blocks(9, 32).slice(1)];
    model.used(other, 3000);
    expect([trunk.uses, trunk.lastUseMs, trunk.lastUse]).toEqual([3, 3000, 3]);
    model.used([], 4000);
    model.checkIntegrity();
  });
});
