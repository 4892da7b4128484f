import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ApiError } from "../api/api-error.ts";
import { parseConversationFile, type ConversationFile } from "./conversation-file.ts";

const file = {
  format: "loci-conversation",
  version: 1,
  title: "Tea",
  messages: [
    { role: "user", texts: ["Which tea?", "Attached"] },
    { role: "assistant", texts: ["Green."] },
  ],
};

const emptyFile = { format: "loci-conversation", version: 1, title: "", messages: [] } as const;

test("a file that was written is read as it was", () => {
  expect(parseConversationFile(JSON.stringify(file))).toEqual(file);
});

test("any other file is refused in words", () => {
  const broken = [
    "",
    "[]",
    "null",
    JSON.stringify({ ...file, format: "other" }),
    JSON.stringify({ ...file, version: 2 }),
    JSON.stringify({ ...file, messages: {} }),
    JSON.stringify({ ...file, messages: [{ role: "root", texts: ["x"] }] }),
    JSON.stringify({ ...file, messages: [{ role: "user", texts: [] }] }),
    JSON.stringify({ ...file, messages: [{ role: "user", texts: [1] }] }),
    JSON.stringify({ ...file, messages: Array.from({ length: 5001 }, () => file.messages[0]) }),
  ];
  for (const text of broken) expect(() => parseConversationFile(text)).toThrow(ApiError);
});

test("whatever is in it, it is read or refused", () => {
  const message = fc.record({
    role: fc.oneof(fc.constantFrom("user", "system"), fc.jsonValue()),
    texts: fc.jsonValue(),
  });
  const value = fc.record({
    format: fc.constant("loci-conversation"),
    version: fc.constantFrom(1, 1, 1, 2),
    title: fc.jsonValue(),
    messages: fc.oneof(fc.array(message), fc.jsonValue()),
  });
  fc.assert(
    fc.property(value, (content) => {
      const read = readOrRefused(JSON.stringify(content));
      expect(read.title.length).toBeGreaterThan(0);
      for (const { texts } of read.messages) expect(texts.length).toBeGreaterThan(0);
    }),
    { numRuns: 400, seed: 6 },
  );
});

/** The file, or one with the refusal for a title; any other failure is thrown on. */
function readOrRefused(text: string): ConversationFile {
  try {
    return parseConversationFile(text);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { ...emptyFile, title: error.message };
  }
}
