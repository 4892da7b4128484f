// The reader of conversation files against what anybody may have written.

import { LociError } from "@loci/core";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { formatConversation, parseConversations } from "./conversation-file.ts";
import type { ConversationFile } from "./conversation-file.ts";

const message = fc.record({
  role: fc.constantFrom("user" as const, "assistant" as const, "system" as const),
  texts: fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 3 }),
});
const conversation: fc.Arbitrary<ConversationFile> = fc.record({
  format: fc.constant("loci-conversation" as const),
  version: fc.constant(1 as const),
  title: fc.string({ minLength: 1, maxLength: 100 }),
  messages: fc.array(message, { maxLength: 5 }),
});

test("what is written is read again, one or many", () => {
  fc.assert(
    fc.property(fc.array(conversation, { minLength: 1, maxLength: 4 }), (all) => {
      const text = all.map((one) => formatConversation(one)).join("");
      expect(parseConversations(text)).toEqual(all);
      expect(parseConversations(text.replaceAll("\n", "\r\n\n"))).toEqual(all);
    }),
    { seed: 11 },
  );
  // As people and editors lay it out.
  const [one] = fc.sample(conversation, { seed: 12, numRuns: 1 });
  expect(parseConversations(JSON.stringify(one, null, 2))).toEqual([one]);
});

test("anything else is refused with a reason, never with a mistake of ours", () => {
  const nearly = fc
    .tuple(conversation, fc.constantFrom("format", "version", "messages"), fc.jsonValue())
    .map(([whole, field, value]) => JSON.stringify({ ...whole, [field]: value }));
  const text = fc.oneof(fc.string(), fc.json(), nearly);
  fc.assert(
    fc.property(text, (given) => {
      let refusal: unknown = null;
      try {
        for (const { messages, title } of parseConversations(given)) {
          expect(title.length).toBeLessThanOrEqual(120);
          for (const { texts } of messages) expect(texts.length).toBeGreaterThan(0);
        }
      } catch (error) {
        refusal = error;
      }
      expect(refusal === null || refusal instanceof LociError).toBe(true);
    }),
    { seed: 13, numRuns: 1_000 },
  );
  expect(() => parseConversations("")).toThrow("It is empty.");
  expect(() => parseConversations('{"format":"loci-conversation","version":2}')).toThrow("newer");
});
