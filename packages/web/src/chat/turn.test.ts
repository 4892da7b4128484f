import { describe, expect, test } from "vitest";
import { attachmentText } from "./attachment.ts";
import { partsOf, turnOf } from "./turn.ts";

const message = { id: "msg_1", type: "message", role: "user", status: "completed" };

describe("items as turns", () => {
  test("attachments of a question stand apart from its words", () => {
    const file = { name: "a.txt", text: "one\n```\ntwo" };
    const content = [attachmentText(file), "What is this?"].map((text) => ({
      type: "input_text",
      text,
    }));
    const turn = turnOf({ ...message, content }, null);
    expect(turn).toMatchObject({
      key: "msg_1",
      role: "user",
      text: "What is this?",
      attachments: [file],
    });
  });

  test("what looks like an attachment in an answer is its text", () => {
    const text = attachmentText({ name: "a", text: "b" });
    const turn = turnOf(
      { ...message, role: "assistant", content: [{ type: "output_text", text }] },
      null,
    );
    expect(turn).toMatchObject({ text, attachments: [] });
  });

  test("an answer that was cut off says so", () => {
    for (const status of ["incomplete", "in_progress"]) {
      expect(turnOf({ ...message, status, content: "x" }, null)?.status).toBe("incomplete");
    }
    expect(turnOf({ ...message, content: "x" }, null)?.status).toBe("completed");
  });

  test("calls and what came of them are shown as code that they cannot leave", () => {
    const call = turnOf(
      { id: "fc", type: "function_call", name: "look", arguments: '"```"' },
      null,
    );
    expect(call).toMatchObject({ role: "tool", text: '`look`\n\n````json\n"```"\n````' });
    const output = turnOf(
      { id: "fo", type: "function_call_output", output: [{ type: "text", text: "42" }] },
      null,
    );
    expect(output?.text).toContain("42");
    expect(turnOf({ id: "r", type: "reasoning" }, null)).toBeNull();
  });

  test("parts of every kind have words", () => {
    expect(partsOf(undefined)).toEqual([]);
    expect(partsOf("a")).toEqual(["a"]);
    expect(partsOf([{ type: "refusal", refusal: "no" }, { type: "other" }])).toEqual(["no", ""]);
  });
});
