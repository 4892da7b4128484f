import { LociError } from "@loci/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJsonBody } from "./json-guard.ts";

const bounds = { jsonDepthMax: 64, jsonContainersMax: 500, jsonKeysMax: 300, jsonValuesMax: 1000 };
const parse = (text: string): unknown => parseJsonBody(Buffer.from(text), bounds);

describe("what is accepted", () => {
  test("any JSON value comes out as JSON.parse has it", () => {
    const value = fc.jsonValue({ maxDepth: 6 });
    fc.assert(
      fc.property(value, (original) => {
        const text = JSON.stringify(original);
        fc.pre(!text.includes("__proto__") && !/\\u[dD]/.test(text));
        expect(parse(text)).toEqual(JSON.parse(text));
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  test("a byte-order mark is skipped and NUL is text", () => {
    expect(parseJsonBody(Buffer.from('\uFEFF{"a":"x\\u0000y"}'), bounds)).toEqual({ a: "x\0y" });
  });

  test("lone surrogates become U+FFFD, in keys too; pairs stay", () => {
    expect(parse('{"a\\uD800":["\\uDFFFx", "\\uD83D\\uDE00"]}')).toEqual({
      "a\uFFFD": ["\uFFFDx", "😀"],
    });
  });

  test("braces, commas and quotes inside strings are text", () => {
    const nested = JSON.stringify({ a: `${"[{".repeat(200)}\\",,"\\` });
    expect(parse(nested)).toEqual(JSON.parse(nested));
  });

  test("the same key in different objects", () => {
    expect(parse('{"a":{"a":1},"b":[{"a":1},{"a":2}]}')).toEqual({
      a: { a: 1 },
      b: [{ a: 1 }, { a: 2 }],
    });
  });

  test("constructor and prototype are ordinary keys", () => {
    expect(parse('{"constructor":{"prototype":1}}')).toEqual({ constructor: { prototype: 1 } });
  });
});

describe("what is refused", () => {
  const million = 1_000_000;
  test.each([
    ["nested a million times", "[".repeat(million), /more than 64 levels deep/],
    ["nested once too deep", `${"[".repeat(65)}${"]".repeat(65)}`, /more than 64 levels deep/],
    ["too many values", `[${"1,".repeat(1001)}1]`, /more than 1000 values large/],
    ["too many containers", `[${"[],".repeat(600)}1]`, /more than 500 objects and arrays/],
    [
      "too many keys",
      `{${Array.from({ length: 301 }, (_, at) => `"k${at}":1`).join(",")}}`,
      /300 keys/,
    ],
    ["a duplicate key", '{"a":1,"b":2,"a":3}', /'a' appears twice/],
    ["a duplicate key in disguise", '{"a":1,"\\u0061":3}', /'a' appears twice/],
    ["__proto__", '{"__proto__":{"x":1}}', /__proto__/],
    ["__proto__ in disguise", '{"__pr\\u006fto__":1}', /__proto__/],
    ["nothing", "", /not valid JSON/],
    ["half an object", '{"a":', /not valid JSON/],
    ["an open string", '{"a', /not valid JSON/],
    ["a broken escape in a key", '{"a\\x":1}', /not valid JSON/],
    ["NaN", "[NaN]", /not valid JSON/],
    ["two values", "{}{}", /not valid JSON/],
    ["closing brackets only", "]]]]", /not valid JSON/],
    ["a NUL between values", "[1,\0 2]", /not valid JSON/],
  ])("%s", (_name, text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  test("invalid UTF-8", () => {
    expect(() => parseJsonBody(Uint8Array.of(0x22, 0xff, 0x22), bounds)).toThrow(/UTF-8/);
    expect(() => parseJsonBody(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), bounds)).toThrow(
      /UTF-8/,
    );
  });

  test("a message never carries the control characters of a key", () => {
    expect(() => parse('{"a\\u001b[31m":1,"a\\u001b[31m":1}')).toThrow("The key 'a?[31m' appears");
  });
});

test("any bytes give a value or invalid_request", () => {
  const jsonLike = fc
    .array(fc.constantFrom('"', "\\", "{", "}", "[", "]", ",", ":", "1", "a", "u0061", " ", "\0"), {
      maxLength: 40,
    })
    .map((pieces) => Buffer.from(pieces.join("")));
  fc.assert(
    fc.property(fc.oneof(jsonLike, fc.uint8Array({ maxLength: 40 })), (bytes) => {
      expect(outcome(() => parseJsonBody(bytes, bounds))).toBe(expectedOutcome(bytes));
    }),
    { seed: 2, numRuns: 3000 },
  );
});

/** JSON text of what came out, or the code of what was thrown. */
function outcome(parsing: () => unknown): string {
  try {
    return JSON.stringify(parsing());
  } catch (error) {
    return error instanceof LociError ? error.code : String(error);
  }
}

function expectedOutcome(bytes: Uint8Array): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const value = JSON.stringify(JSON.parse(text));
    // With a key twice, less comes out of JSON.parse than went in.
    const keys = text.match(/"(?:[^"\\]|\\.)*"\s*:/g) ?? [];
    const kept = value.match(/"(?:[^"\\]|\\.)*":/g) ?? [];
    return keys.length === kept.length ? value : "invalid_request";
  } catch {
    return "invalid_request";
  }
}
