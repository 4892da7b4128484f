import * as fc from "fast-check";
import { expect, test } from "vitest";

import { LineCollector } from "./line-collector.ts";

function collector(): {
  readonly lines: LineCollector;
  readonly sent: string[];
  readonly settle: () => void;
} {
  const sent: string[] = [];
  const actions: (() => void)[] = [];
  const lines = new LineCollector(
    (message) => sent.push(message),
    (action) => actions.push(action),
  );
  return { lines, sent, settle: () => actions.splice(0).forEach((action) => action()) };
}

test("typed lines are messages of their own", () => {
  const { lines, sent, settle } = collector();
  for (const text of ["one", "two"]) {
    lines.line(text);
    settle();
  }
  expect(sent).toEqual(["one", "two"]);
});

test("lines that arrive together are one message", () => {
  const { lines, sent, settle } = collector();
  for (const text of ["a", "", "b"]) lines.line(text);
  settle();
  expect(sent).toEqual(["a\n\nb"]);
});

test("a marked paste waits for the return after it", () => {
  const { lines, sent, settle } = collector();
  lines.pasteStarted();
  lines.line("a");
  settle();
  lines.line("b");
  lines.pasteEnded();
  settle();
  expect(sent).toEqual([]);
  lines.line("c");
  settle();
  expect(sent).toEqual(["a\nb\nc"]);
});

test("property: nothing is lost, doubled or reordered, and memory is bounded", () => {
  const action = fc.oneof(
    fc.string().map((text) => text.replaceAll("\n", "")),
    fc.constantFrom("<paste>", "</paste>", "<settle>"),
  );
  fc.assert(
    fc.property(fc.array(action), (actions) => {
      const { lines, sent, settle } = collector();
      const typed: string[] = [];
      for (const text of actions) {
        if (text === "<paste>") lines.pasteStarted();
        else if (text === "</paste>") lines.pasteEnded();
        else if (text === "<settle>") settle();
        else {
          typed.push(text);
          lines.line(text);
        }
        lines.checkIntegrity();
      }
      lines.pasteEnded();
      lines.line("end");
      settle();
      expect(sent.join("\n").split("\n")).toEqual([...typed, "end"]);
    }),
    { seed: 5 },
  );
});

test("an endless paste is sent in pieces", () => {
  const { lines, sent } = collector();
  lines.pasteStarted();
  for (let count = 0; count < 30; count++) lines.line("x".repeat(100_000));
  expect(sent.length).toBe(3);
  lines.checkIntegrity();
});
