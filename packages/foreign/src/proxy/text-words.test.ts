import * as fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { textFacts } from "./text-words.ts";

function text(body: unknown): string {
  const words = textFacts(body).promptTokens;
  return new TextDecoder().decode(new Uint8Array(words.buffer)).replaceAll("\0", "");
}

describe("textFacts", () => {
  it("renders chats so that a longer one begins like a shorter one", () => {
    const messages = [
      { role: "system", content: "Be brief." },
      {
        role: "user",
        content: [
          { type: "text", text: "Hi" },
          { type: "image_url", image_url: "u" },
        ],
      },
    ];
    const more = [...messages, { role: "assistant", content: "Hello" }];
    expect(text({ messages })).toContain("system\nBe brief.\nuser\nHi");
    expect(text({ messages: more }).startsWith(text({ messages }))).toBe(true);
  });

  it("puts tools and instructions first, as templates do", () => {
    const body = { input: "ask", instructions: "do", tools: [{ name: "t" }] };
    expect(text(body)).toBe('[{"name":"t"}]\ndo\nask');
  });

  it("takes prompts of text, of many texts, and of token ids", () => {
    expect(text({ prompt: "abc" })).toBe("abc");
    expect(text({ prompt: ["abc", "def"] })).toContain("abc");
    expect(textFacts({ prompt: [5, 6, 7] }).promptTokens).toEqual(Int32Array.of(5, 6, 7));
  });

  it("takes what Anthropic's messages say, the system's part first", () => {
    const system = [{ type: "text", text: "be kind" }];
    const messages = [{ role: "user", content: [{ type: "text", text: "hi" }] }];
    const said = text({ system, messages, tools: [{ name: "add" }] });
    expect(said).toMatch(/add.*be kind.*user\nhi/s);
    expect(text({ system: "be kind", messages })).toMatch(/^be kind\nuser\nhi/);
  });

  it("reads limits and sessions under their names", () => {
    expect(textFacts({ max_tokens: 7, max_completion_tokens: 5 }).maxTokens).toBe(5);
    expect(textFacts({ max_tokens: "x" }).maxTokens).toBe(1024);
    expect(textFacts({ max_tokens: -3 }).maxTokens).toBe(1);
    expect(textFacts({ conversation: { id: "c" } }).sessionName).toBe("c");
    expect(textFacts({ prompt_cache_key: "k" }).sessionName).toBe("k");
    expect(textFacts({ model: "m", previous_response_id: "r" })).toMatchObject({
      model: "m",
      previousResponseId: "r",
    });
  });
});

test("any JSON has words", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (body) => {
      const facts = textFacts(body);
      expect(facts.promptTokens.length).toBeGreaterThan(0);
      expect(facts.maxTokens).toBeGreaterThan(0);
    }),
    { numRuns: 1000, seed: 13 },
  );
});
