import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { emptyHead, grownHead, isFull, queryWords } from "./head-text.ts";
import type { JsonObject } from "./json.ts";
import { searchCharsMax, titleCharsMax } from "./limits.ts";

function said(content: JsonObject["content"], role = "user"): JsonObject {
  return { type: "message", role, content };
}

describe("a conversation's head", () => {
  it("reads texts and parts, and nothing else", () => {
    const items = [
      said([{ type: "input_text", text: "One" }, { type: "x" }, null, 3, ["y"]]),
      said("Two", "assistant"),
      { type: "function_call", role: "user", content: "Three" },
      said(7),
      {},
    ];
    expect(grownHead(emptyHead({}), items)).toEqual({
      title: "One",
      search: "one\n\n\n\n\ntwo",
    });
  });

  it("grows as if it were made at once, in bounded and valid text", () => {
    const text = fc.string({
      unit: fc.constantFrom("a", "B", " ", "\n", "\0", "🍐", "\ud800", "Σ", "İ"),
      minLength: 0,
      maxLength: 3000,
      size: "max",
    });
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), (texts) => {
        const items = texts.map((each) => said(each));
        const atOnce = grownHead(emptyHead({}), items);
        let head = emptyHead({});
        for (const item of items) head = grownHead(head, [item]);
        expect(head).toEqual(atOnce);
        expect(head.search.isWellFormed() && head.title.isWellFormed()).toBe(true);
        expect(head.search.length).toBeLessThanOrEqual(searchCharsMax);
        expect(head.title.length).toBeLessThanOrEqual(titleCharsMax);
        const most = texts.join("\n").length;
        expect(isFull(head.search)).toBe(head.search.length >= searchCharsMax - 1);
        expect(head.search.length).toBeLessThanOrEqual(most * 3 + 1);
      }),
      { numRuns: 60, seed: 64 },
    );
  });

  it("takes a bounded number of words", () => {
    expect(queryWords(" A  b\tC\0d ")).toEqual(["a", "b", "c", "d"]);
    expect(queryWords("x ".repeat(100))).toHaveLength(8);
    expect(queryWords("\ud800")).toEqual(["\ufffd"]);
  });
});
