import * as fc from "fast-check";
import { expect, test } from "vitest";

import { paint } from "../output.ts";
import { oneLine, printable, terminalSafe } from "./safe-text.ts";

test("escape sequences lose their power, text stays", () => {
  expect(printable("a\u001B[2Jb\u0000\r\nc\td\u009Be 👋")).toBe("a[2Jb\nc\tde 👋");
});

test("one line stays one, and short", () => {
  expect(oneLine(" a\r\n\tb\u001B[31m ")).toBe("a b[31m");
  expect(oneLine("x".repeat(9), 4)).toBe("xxx…");
});

test("a terminal gets our colours and nothing else to obey", () => {
  const red = paint({ coloured: true }, "red", "no");
  expect(terminalSafe(red)).toBe(red);
  expect(terminalSafe("\u009B[31ma\u001B[2Kb\u001B]0;title\u0007\rc")).toBe("[31ma[2Kb]0;titlec");
  const wild = fc.array(fc.constantFrom("\u001B", "[", "0", "2", "31", "m", "J", "\u009B", "x"));
  fc.assert(
    fc.property(wild, (parts) => {
      const rest = terminalSafe(parts.join("")).replaceAll(/\p{Cc}\[(?:[012]|3[1-4])m/gu, "");
      expect(printable(rest)).toBe(rest);
    }),
    { seed: 6, numRuns: 500 },
  );
});
