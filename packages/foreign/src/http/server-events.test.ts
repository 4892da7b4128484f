import * as fc from "fast-check";
import { expect, test } from "vitest";
import { serverEvents } from "./server-events.ts";

async function* pieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length];
  for (const end of ends.toSorted((left, right) => left - right)) {
    yield await Promise.resolve(bytes.subarray(start, end));
    start = end;
  }
}

async function read(bytes: Uint8Array, cuts: readonly number[], max?: number): Promise<string[]> {
  const found: string[] = [];
  for await (const data of serverEvents(pieces(bytes, cuts), max)) found.push(data);
  return found;
}

test("events are the same however the bytes are cut, with comments and names around them", async () => {
  const data = fc.string({ unit: "grapheme" }).filter((text) => !/[\r\n]/.test(text));
  const event = fc.record({ data, newline: fc.constantFrom("\n", "\r\n"), ping: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 6 }),
      fc.array(fc.nat(), { maxLength: 8 }),
      async (events, cuts) => {
        const text = events
          .map(({ data: line, newline: end, ping }) =>
            [ping ? `: ping${end}` : `event: x${end}`, `data: ${line}${end}`, end].join(""),
          )
          .join("");
        const found = await read(new TextEncoder().encode(text), cuts);
        expect(found).toEqual(events.map(({ data: line }) => line.toWellFormed()));
      },
    ),
    { numRuns: 300, seed: 7 },
  );
});

test("any bytes are read without another error than the bound's", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat()), async (bytes, cuts) => {
      const found = await read(bytes, cuts);
      expect(found.every((data) => data.length <= bytes.length)).toBe(true);
    }),
    { numRuns: 300, seed: 8 },
  );
});

test("an event that never ends is refused at its bound", async () => {
  const endless = new TextEncoder().encode(`data: ${"x".repeat(5000)}`);
  await expect(read(endless, [1000, 2000, 3000, 4000], 2048)).rejects.toMatchObject({
    code: "unavailable",
  });
});
