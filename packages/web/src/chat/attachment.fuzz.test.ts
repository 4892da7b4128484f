import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { attachmentProblem, attachmentText, decodeText, parseAttachment } from "./attachment.ts";

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("`", "```", "\n", "a", "Attached file: ", " ") }),
);

describe("attachments", () => {
  test("what was attached is found again, whatever it holds", () => {
    const name = fc.stringMatching(/^[\w.-]{1,120}$/);
    fc.assert(
      fc.property(name, text, (fileName, content) => {
        const attachment = { name: fileName, text: content };
        expect(parseAttachment(attachmentText(attachment))).toEqual(attachment);
      }),
      { numRuns: 500, seed: 3 },
    );
  });

  test("any other text is no attachment, or one that writes the same text", () => {
    fc.assert(
      fc.property(text, (part) => {
        const attachment = parseAttachment(part);
        expect(attachment === null || part.includes(attachment.text)).toBe(true);
      }),
      { numRuns: 500, seed: 4 },
    );
    expect(parseAttachment("Attached file: a\n```\n```")).toBeNull();
    expect(parseAttachment("Attached file: a\n```")).toBeNull();
  });

  test("a name stays on its line and short", () => {
    const written = attachmentText({ name: `a\nb\u0007${"x".repeat(300)}`, text: "t" });
    expect(written.split("\n")[0]).toBe(`Attached file: a b ${"x".repeat(116)}`);
  });

  test("bytes that are no text are refused, large files before they are read", () => {
    expect(decodeText(new Uint8Array([0x68, 0x69, 13, 10]))).toBe("hi\n");
    expect(decodeText(new Uint8Array([0xff, 0xfe]))).toBeNull();
    expect(decodeText(new Uint8Array([0x61, 0]))).toBeNull();
    expect(attachmentProblem({ name: "a", size: 256 * 1024 })).toBeNull();
    expect(attachmentProblem({ name: "a", size: 256 * 1024 + 1 })).toContain("256 KiB");
  });
});
