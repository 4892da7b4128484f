import * as fc from "fast-check";
import { expect, test } from "vitest";

import { MessageComposer } from "./message-composer.ts";

function compose(...lines: readonly string[]): readonly (string | null)[] {
  const composer = new MessageComposer();
  return lines.map((line) => {
    const message = composer.take(line);
    composer.checkIntegrity();
    return message;
  });
}

test("an ordinary line is a message", () => {
  expect(compose("hello", "C:\\dir\\\\", "")).toEqual(["hello", "C:\\dir\\\\", ""]);
});

test("a backslash at the end keeps it open", () => {
  expect(compose("one \\", "two\\", "three", "four")).toEqual([
    null,
    null,
    "one \ntwo\nthree",
    "four",
  ]);
});

test("three quotes hold what is between them", () => {
  expect(compose('"""', "a\\", "b", '"""')).toEqual([null, null, null, "\na\\\nb\n"]);
  expect(compose('"""one', 'two"""  ', "after")).toEqual([null, "one\ntwo", "after"]);
  expect(compose('"""all"""')).toEqual(["all"]);
});

test("a message can be given up", () => {
  const composer = new MessageComposer();
  expect([composer.take("a\\"), composer.isOpen]).toEqual([null, true]);
  composer.clear();
  expect([composer.isOpen, composer.take("b")]).toEqual([false, "b"]);
});

test("property: lines that are no sign are kept, in order, and memory is bounded", () => {
  const line = fc.string({ maxLength: 20 }).map((text) => text.replaceAll(/["\\]/g, "x"));
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 10 }), (lines) => {
      const last = lines.at(-1) ?? "";
      const open = lines.slice(0, -1).map((text) => `${text}\\`);
      expect(compose(...open, last).at(-1)).toBe(lines.join("\n"));
      expect(compose('"""', ...lines, '"""').at(-1)).toBe(`\n${lines.join("\n")}\n`);
    }),
    { seed: 4 },
  );
});

test("an endless message is sent in pieces", () => {
  const composer = new MessageComposer();
  const long = `${"x".repeat(100_000)}\\`;
  const sent = Array.from({ length: 25 }, () => composer.take(long)).filter(
    (text) => text !== null,
  );
  composer.checkIntegrity();
  expect(sent.length).toBe(2);
});
