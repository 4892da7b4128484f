// Parsers of files from elsewhere: any text ends in requests that the simulator can run, or in one
// typed error that names a line; what is well-formed comes back as it was written.

import { LociError } from "@loci/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseLengths } from "./alpaca-lengths.ts";
import { parseAzureTrace } from "./azure-trace.ts";
import { parseMooncakeTrace } from "./mooncake-trace.ts";
import type { SimRequest } from "./sim-request.ts";

const options = { seed: 11, numRuns: 200 };
const header = "TIMESTAMP,ContextTokens,GeneratedTokens";

function checkRequests(requests: readonly SimRequest[]): void {
  let beforeMs = 0;
  for (const { arrivalMs, prompt, answerTokens } of requests) {
    expect(arrivalMs).toBeGreaterThanOrEqual(beforeMs);
    beforeMs = arrivalMs;
    expect(prompt.tokens).toBeGreaterThanOrEqual(1);
    expect(prompt.blocks.length * prompt.blockTokens).toBeGreaterThanOrEqual(prompt.tokens);
    expect(answerTokens).toBeGreaterThanOrEqual(1);
  }
}

function endsWell(parse: () => void): void {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof LociError) || error.code !== "invalid_request") throw error;
  }
}

/** Near misses: valid lines with a character changed, dropped or doubled. */
function mutated(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const edit = fc.tuple(
    fc.nat(),
    fc.constantFrom("", "-", "9", '"', "{", ",", "\n", "\u0000", "e9"),
  );
  return fc.tuple(text, fc.array(edit, { maxLength: 4 })).map(([base, edits]) =>
    edits.reduce((sum, [place, put]) => {
      const at = place % (sum.length + 1);
      return sum.slice(0, at) + put + sum.slice(at + 1);
    }, base),
  );
}

const count = fc.integer({ min: 1, max: 5000 });

const mooncakeText = fc
  .array(fc.tuple(fc.nat({ max: 1000 }), count, fc.nat({ max: 2000 })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((rows) =>
    rows
      .toSorted(([one], [other]) => one - other)
      .map(([timestamp, input, output], row) => {
        const ids = Array.from({ length: Math.ceil(input / 512) }, (_, index) => row + index);
        return `${JSON.stringify({ timestamp, input_length: input, output_length: output, hash_ids: ids })}\n`;
      })
      .join(""),
  );

const azureText = fc
  .array(fc.tuple(fc.nat({ max: 59 }), count, count), { minLength: 1, maxLength: 6 })
  .map((rows) => {
    const lines = rows
      .toSorted(([one], [other]) => one - other)
      .map(([second, input, output]) => {
        const text = String(second).padStart(2, "0");
        return `2023-11-16 18:17:${text}.5000000,${input},${output}`;
      });
    return [header, ...lines].join("\r\n");
  });

describe("the traces' parsers", () => {
  it("take or refuse any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        endsWell(() => checkRequests(parseMooncakeTrace("t", text)));
        endsWell(() => checkRequests(parseAzureTrace("t", text)));
        endsWell(() => checkRequests(parseAzureTrace("t", `${header}\n${text}`)));
        endsWell(() => expect(parseLengths("t", text).length).toBeGreaterThan(0));
      }),
      options,
    );
  });

  it("take or refuse what is nearly a trace", () => {
    fc.assert(
      fc.property(mutated(mooncakeText), mutated(azureText), (mooncake, azure) => {
        endsWell(() => checkRequests(parseMooncakeTrace("t", mooncake)));
        endsWell(() => checkRequests(parseAzureTrace("t", azure)));
      }),
      options,
    );
  });

  it("read what is well-formed, whole", () => {
    fc.assert(
      fc.property(mooncakeText, azureText, (mooncake, azure) => {
        const rows = mooncake.trim().split("\n");
        const requests = parseMooncakeTrace("t", mooncake);
        expect(requests.map(({ prompt }) => prompt.tokens)).toEqual(
          rows.map((row) => Number(/"input_length":(\d+)/u.exec(row)?.[1])),
        );
        expect(parseAzureTrace("t", azure)).toHaveLength(azure.split("\r\n").length - 1);
      }),
      options,
    );
  });
});
