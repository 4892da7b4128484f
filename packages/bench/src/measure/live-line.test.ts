import { expect, test } from "vitest";

import { LiveLine } from "./live-line.ts";

/** A clock whose timers fire when the test says so, and what was written. */
function desk(columns: number | null): {
  readonly line: LiveLine;
  readonly pass: (seconds: number) => void;
  readonly text: () => string;
} {
  let nowMs = 0;
  let text = "";
  const timers = new Map<() => void, number>();
  const clock = {
    nowMs: () => nowMs,
    unixSeconds: () => 0,
    after: (delayMs: number, action: () => void) => {
      timers.set(action, nowMs + delayMs);
      return () => void timers.delete(action);
    },
  };
  const pass = (seconds: number): void => {
    nowMs += seconds * 1000;
    for (const [action, atMs] of timers) {
      if (atMs > nowMs) continue;
      timers.delete(action);
      action();
    }
  };
  const stream = { columns, write: (piece: string) => void (text += piece) };
  return { line: new LiveLine(stream, clock), pass, text: () => text };
}

test("piped: a line for each note, and nothing drawn over", () => {
  const { line, pass, text } = desk(null);
  line.begin(4);
  line.note("first");
  pass(3);
  line.done();
  line.note("second: \u001B[2Jno\nthing");
  line.end();
  expect(text()).toBe("[0 s] first\n[3 s] second:  [2Jno thing\n");
});

test("on a terminal: notes stay, the last line counts and guesses, and goes away at the end", () => {
  const { line, pass, text } = desk(40);
  line.begin(4);
  line.note("first");
  pass(10);
  line.done();
  const erase = "\r\u001B[2K";
  expect(text().split(erase).at(-1)).toBe("10 s, 1 of 4, about 30 s left  first");
  pass(5);
  expect(text().split(erase).at(-1)).toBe("15 s, 1 of 4, about 25 s left  first");
  for (const drawn of text().split(erase)) expect(drawn.length).toBeLessThan(40);
  line.end();
  const ended = text();
  expect(ended.endsWith(erase)).toBe(true);
  pass(60);
  expect(text()).toBe(ended);
});
