import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readMetrics } from "./prometheus-text.ts";

const label = fc.tuple(fc.stringMatching(/^[a-z_][a-z0-9_]{0,4}$/), fc.string({ maxLength: 8 }));
const sample = fc.record({
  name: fc.constantFrom("a:b", "a", "b", "a_b"),
  labels: fc.uniqueArray(label, { maxLength: 3, selector: ([name]) => name }),
  value: fc.double({ noNaN: true, noDefaultInfinity: true }),
});
const soup = fc.string({
  unit: fc.constantFrom("a", "{", "}", '"', "=", ",", "\\", " ", "\n", "1", ".", "#", "x"),
  maxLength: 200,
});

function written(labels: readonly (readonly [string, string])[]): string {
  const escaped = labels.map(([name, value]) => {
    const text = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
    return `${name}="${text}"`;
  });
  return escaped.length === 0 ? "" : `{${escaped.join(",")}}`;
}

test("what is written by the format's rules is read back, whatever stands around it", () => {
  const clean = sample.filter(({ labels }) =>
    labels.every(([, value]) => !/[\r\u2028\u2029]/.test(value)),
  );
  fc.assert(
    fc.property(fc.array(clean, { maxLength: 12 }), (samples) => {
      const lines = samples.map(({ name, labels, value }) => `${name}${written(labels)} ${value}`);
      const found = readMetrics(lines.join("\n"), new Set(["a:b", "b"]));
      for (const name of ["a:b", "b"]) {
        const expected = samples.filter((one) => one.name === name);
        const read = found.get(name) ?? [];
        expect(read.map(({ value }) => value)).toEqual(expected.map(({ value }) => value));
        expect(read.map(({ labels }) => Array.from(labels))).toEqual(
          expected.map(({ labels }) => labels),
        );
      }
    }),
    { numRuns: 400, seed: 5 },
  );
});

test("nonsense is passed over without an error", () => {
  fc.assert(
    fc.property(soup, (text) => {
      for (const samples of readMetrics(text, new Set(["a", "ax"])).values()) {
        for (const { value } of samples) expect(typeof value).toBe("number");
      }
    }),
    { numRuns: 2000, seed: 6 },
  );
});
