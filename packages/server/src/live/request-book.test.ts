import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { greedySampling, type GenerationRequest } from "@loci/core";
import { ManualClock } from "@loci/core/testing";
import { RequestBook } from "./request-book.ts";

function requestOf(id: string, tenant = "t"): GenerationRequest {
  return {
    id,
    tenant,
    promptTokens: new Int32Array(5),
    maxTokens: 9,
    minTokens: 0,
    ignoreEos: false,
    stop: [],
    stopTokenIds: [],
    sampling: greedySampling,
  };
}

const nothing = { workerOf: () => null, conversationOf: () => null };
const token = { type: "token", tokenId: 1, text: "a", logprobs: null } as const;
const usage = { promptTokens: 5, cachedTokens: 2, completionTokens: 2 };

describe("RequestBook", () => {
  it("tells how a request goes and went", () => {
    const clock = new ManualClock();
    const book = new RequestBook(clock);
    const note = book.open(requestOf("cmpl-1-0-0"), "req-1");
    const head = (): object => book.heads("t", 1, nothing)[0] ?? {};
    expect(head()).toMatchObject({ phase: "waiting", promptTokens: 5, endSeconds: null });
    clock.advance(100);
    note.event({ type: "started", promptTokens: 5, cachedTokens: 2 });
    expect(head()).toMatchObject({ phase: "prefill", cachedTokens: 2 });
    clock.advance(100);
    note.event(token);
    note.event(token);
    expect(head()).toMatchObject({ phase: "decode", firstTokenSeconds: 0.2, generatedTokens: 2 });
    clock.advance(300);
    note.event({ type: "finished", reason: "stop", text: "", stoppedBy: null, usage });
    note.ended("stop");
    expect(head()).toMatchObject({ phase: null, finishReason: "stop", endSeconds: 0.5 });
  });

  it("knows a request by its answer's id and by the HTTP request's", () => {
    const book = new RequestBook(new ManualClock());
    book.open(requestOf("cmpl-1-0-0"), "req-1");
    book.open(requestOf("cmpl-1-0-1"), "req-1");
    for (const name of ["cmpl-1", "cmpl-1-0-0", "req-1"]) {
      expect(book.resolve(name, "t")).toBe("cmpl-1-0-0");
    }
    expect(book.resolve("cmpl-1-0-1", "t")).toBe("cmpl-1-0-1");
    expect(book.resolve("else", "t")).toBe("else");
  });

  it("takes a name that is used anew for the newer request", () => {
    const book = new RequestBook(new ManualClock());
    book.open(requestOf("a"), "mine").ended("stop");
    book.open(requestOf("b"), "mine");
    expect(book.resolve("mine", "t")).toBe("b");
    book.open(requestOf("c", "other"), "mine");
    expect(book.resolve("mine", "t")).toBe("b");
    expect(book.resolve("mine", "other")).toBe("c");
  });

  it("agrees with a list of all, within its bound", () => {
    const act = fc.record({
      id: fc.integer({ min: 0, max: 1500 }),
      tenant: fc.constantFrom("t", "u"),
      http: fc.option(fc.integer({ min: 0, max: 50 })),
    });
    fc.assert(
      fc.property(fc.array(act, { minLength: 1, maxLength: 1400, size: "max" }), (acts) => {
        const book = new RequestBook(new ManualClock());
        const all = new Map<string, string>();
        for (const { id, tenant, http } of acts) {
          book.open(requestOf(`r${id}`, tenant), http === null ? null : `h${http}`).ended("stop");
          all.delete(`r${id}`);
          all.set(`r${id}`, tenant);
        }
        book.checkIntegrity();
        const kept = [...all].slice(-1024).toReversed();
        for (const tenant of ["t", "u"]) {
          const own = kept.filter(([, owner]) => owner === tenant).map(([id]) => id);
          expect(book.heads(tenant, 2000, nothing).map(({ id }) => id)).toEqual(own);
        }
      }),
      { numRuns: 20, seed: 62 },
    );
  });
});
