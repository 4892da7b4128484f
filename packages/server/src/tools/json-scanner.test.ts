import * as fc from "fast-check";
import { expect, test } from "vitest";
import { JsonScanner, type ScanState } from "./json-scanner.ts";

/** State after `text`, or where it became final. */
function scan(text: string): { readonly state: ScanState; readonly read: number } {
  const scanner = new JsonScanner();
  for (let at = 0; at < text.length; at++) {
    const state = scanner.push(text.charAt(at));
    if (state !== "open") return { state, read: at + 1 };
  }
  return { state: scanner.state, read: text.length };
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

test("every JSON object is complete at its last character and not before", () => {
  const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }));
  fc.assert(
    fc.property(object, fc.constantFrom(undefined, 1, "\t"), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      expect(scan(text)).toEqual({ state: "complete", read: text.length });
    }),
    { seed: 4, numRuns: 500 },
  );
});

test("it agrees with JSON.parse on anything that begins like an object", () => {
  const piece = fc.constantFrom(
    ...'{}[]:," \n\\-+.019eEtrufalsn'.split(""),
    '"a"',
    '"a":',
    "true",
    "null",
    "1.5e3",
    "\\u00e4",
    "\u0001",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
      const text = `{${pieces.join("")}`;
      const { state, read } = scan(text);
      const prefix = text.slice(0, read);
      expect(isJsonObject(prefix)).toBe(state === "complete");
      // Nothing that could still become JSON is called invalid.
      expect(state === "invalid" && isJsonObject(`${prefix}}`)).toBe(false);
    }),
    { seed: 5, numRuns: 5000 },
  );
});

test("depth is bounded", () => {
  expect(scan(`{"a":${"[".repeat(63)}`).state).toBe("open");
  expect(scan(`{"a":${"[".repeat(64)}`).state).toBe("invalid");
});
