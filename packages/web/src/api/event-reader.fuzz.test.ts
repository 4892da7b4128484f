import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventReader, eventCharsMax, type ServerEvent } from "./event-reader.ts";

const runs = { numRuns: 300, seed: 20_261_121 };
const name = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 12 }).filter(isOneLine);
const event = fc.record({
  name,
  lines: fc.array(fc.string({ unit: "binary" }).filter(isOneLine), { minLength: 1, maxLength: 4 }),
});
const ending = fc.constantFrom("\n", "\r\n", "\r");

function isOneLine(text: string): boolean {
  return !/[\r\n]/.test(text) && !text.startsWith(" ") && text !== "";
}

function read(pieces: readonly string[]): readonly ServerEvent[] {
  const events: ServerEvent[] = [];
  const reader = new EventReader((one) => events.push(one));
  for (const piece of pieces) reader.push(piece);
  return events;
}

/** The text cut at the given places. */
function cut(text: string, places: readonly number[]): readonly string[] {
  const at = [...new Set(places.map((place) => place % (text.length + 1)))].toSorted(
    (a, b) => a - b,
  );
  return [0, ...at].map((from, index) => text.slice(from, at[index] ?? text.length));
}

describe("events out of pieces", () => {
  test("whatever the pieces and line ends, what was written is read", () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 8 }),
        ending,
        fc.array(fc.nat(), { maxLength: 40 }),
        (events, end, places) => {
          const text = events
            .map(({ name: title, lines }) =>
              [
                `event: ${title}`,
                ": a remark",
                ...lines.map((line) => `data: ${line}`),
                "",
                "",
              ].join(end),
            )
            .join("");
          const expected = events.map((one) => ({ name: one.name, data: one.lines.join("\n") }));
          // A lone \r at the very end may be half of \r\n, but ends its line all the same.
          expect(read(cut(text, places))).toEqual(expected);
        },
      ),
      runs,
    );
  });

  test("no text makes it fail, and no cut changes what is read", () => {
    const text = fc.string({
      unit: fc.constantFrom("d", "a", "t", ":", " ", "\r", "\n", "data:x", "event:y", "\n\n"),
      maxLength: 60,
    });
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 20 }), (written, places) => {
        expect(read(cut(written, places))).toEqual(read([written]));
      }),
      runs,
    );
  });

  test("an event has a bound", () => {
    const line = `data: ${"x".repeat(1000)}\n`;
    const reader = new EventReader(() => undefined);
    const flood = (): void => {
      for (let chars = 0; chars <= eventCharsMax; chars += 1000) reader.push(line);
    };
    expect(flood).toThrow(RangeError);
    const endless = new EventReader(() => undefined);
    expect(() => endless.push("x".repeat(eventCharsMax + 1))).toThrow(RangeError);
  });

  test("an event without data, and one that is cut off, are none", () => {
    expect(read(["event: a\n\n", "data: b"])).toEqual([]);
    expect(read(["data\n\n"])).toEqual([{ name: "message", data: "" }]);
  });
});
