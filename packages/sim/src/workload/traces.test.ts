import { describe, expect, it } from "vitest";
import { parseLengths } from "./alpaca-lengths.ts";
import { parseAzureTrace } from "./azure-trace.ts";
import { boundedLines } from "./bounded-text.ts";
import { parseMooncakeTrace } from "./mooncake-trace.ts";
import { promptTokens } from "./prompt-tokens.ts";

const dayMs = 24 * 3_600_000;
const header = "TIMESTAMP,ContextTokens,GeneratedTokens";

function row(fields: object): string {
  return JSON.stringify({
    timestamp: 0,
    input_length: 600,
    output_length: 5,
    hash_ids: [4, 9],
    ...fields,
  });
}

describe("parseMooncakeTrace", () => {
  it("keeps what is shared, however it is divided", () => {
    const text = [row({ timestamp: 3 }), row({ timestamp: 3, hash_ids: [4, 8] })].join("\n");
    for (const promptDivisor of [1, 32]) {
      const [one, other] = parseMooncakeTrace("t", text, { promptDivisor }).map(({ prompt }) =>
        promptTokens(prompt, 1000),
      );
      const block = 512 / promptDivisor;
      expect(one?.length).toBe(block + Math.round(88 / promptDivisor));
      expect(one?.slice(0, block)).toEqual(other?.slice(0, block));
      expect(one?.[block]).not.toBe(other?.[block]);
    }
  });

  it.each([
    [row({ hash_ids: [1] }), "one id for every 512"],
    [row({ hash_ids: [1, -1] }), "whole numbers of 31 bits"],
    [row({ hash_ids: "1" }), "no list"],
    [row({ input_length: 0, hash_ids: [] }), "empty"],
    [row({ timestamp: 0.5 }), "timestamp"],
    [row({ output_length: 1e9 }), "output_length"],
    ["[1]", "no object"],
    ["{", "no JSON"],
    ["", "no request"],
    [`${row({ timestamp: 9 })}\n${row({ timestamp: 8 })}`, "t:2: time steps back"],
  ])("refuses %s", (text, problem) => {
    expect(() => parseMooncakeTrace("t", text)).toThrow(problem);
  });
});

describe("parseAzureTrace", () => {
  it("counts time from the first request, over days and leap years", () => {
    const lines = [
      header,
      "2024-02-28 23:59:59.5,374,44",
      "2024-02-29 00:00:00.0000000,10,1",
      "2024-03-01 00:00:00,10,0",
      "2025-01-01 00:00:00,10,0",
    ];
    const requests = parseAzureTrace("t", lines.join("\n"));
    expect(requests.map(({ arrivalMs }) => arrivalMs)).toEqual([
      0,
      500,
      dayMs + 500,
      307 * dayMs + 500,
    ]);
    expect(requests.map(({ answerTokens }) => answerTokens)).toEqual([44, 1, 1, 1]);
    const firsts = requests.map(({ prompt }) => promptTokens(prompt, 1000)[0]);
    expect(new Set(firsts).size).toBe(4);
  });

  it.each([
    ["", "no request"],
    [header, "no request"],
    ["a,b,c", "the first line"],
    [`${header}\n2024-13-01 00:00:00,1,1`, "t:2: no such time"],
    [`${header}\n2024-12-01 00:00:00,0,1`, "empty"],
    [`${header}\n2024-12-01 00:00:00,1`, "not TIMESTAMP"],
    [`${header}\n2024-12-02 00:00:00,1,1\n2024-12-01 00:00:00,1,1`, "t:3: time steps back"],
  ])("refuses %j", (text, problem) => {
    expect(() => parseAzureTrace("t", text)).toThrow(problem);
  });
});

function line(outputs: object): string {
  return JSON.stringify({ id: 0, prompt: "Why?", prompt_tokens: 2, output_tokens: outputs });
}

describe("parseLengths", () => {
  it("reads every model's length", () => {
    const [sample] = parseLengths("t", line({ a: 3, b: 0 }));
    expect(sample?.prompt).toBe("Why?");
    expect([...(sample?.answerTokens ?? [])]).toEqual([
      ["a", 3],
      ["b", 1],
    ]);
  });

  it.each([
    [line({}), "1 to 64 models"],
    [line({ a: "3" }), "whole number"],
    [`${line({ a: 1 })}\n${line({ b: 1 })}`, "t:2: output_tokens has not the models"],
    ['{"prompt": 3}', "no text"],
  ])("refuses %s", (text, problem) => {
    expect(() => parseLengths("t", text)).toThrow(problem);
  });
});

describe("boundedLines", () => {
  it("gives no line that is too long", () => {
    const text = `ok\n${"x".repeat(1024 * 1024 + 1)}`;
    expect(() => [...boundedLines("t", text)]).toThrow("t:2: the line is too long");
  });
});
