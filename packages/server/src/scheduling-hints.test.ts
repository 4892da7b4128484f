import { describe, expect, it } from "vitest";
import { schedulingHints } from "./scheduling-hints.ts";

const none = { headers: {}, body: {}, messages: null };

describe("schedulingHints", () => {
  it("says nothing where nothing was said", () => {
    expect(schedulingHints(none)).toEqual({});
  });

  it("reads the longest wait for a first token from either header", () => {
    for (const name of ["x-loci-slo-ttft-ms", "x-slo-ttft-ms"]) {
      const hints = schedulingHints({ ...none, headers: { [name]: "1500" } });
      expect(hints).toEqual({ firstTokenSecondsMax: 1.5 });
    }
  });

  it("refuses a wait that is no number of milliseconds", () => {
    for (const value of ["", "0", "-5", "1e9", "soon", "99999999999", "1.5"]) {
      const headers = { "x-loci-slo-ttft-ms": value };
      expect(() => schedulingHints({ ...none, headers })).toThrow("milliseconds");
    }
  });

  it("hands on the last user message, cut to what a predictor reads, and the priority", () => {
    const messages = [
      { role: "user", content: "first" },
      { role: "user", content: "x".repeat(10_000) },
      { role: "assistant", content: "half an answer" },
    ] as const;
    const hints = schedulingHints({ ...none, body: { priority: -3 }, messages });
    expect(hints.priority).toBe(-3);
    expect(hints.userText).toBe("x".repeat(4096));
  });
});
