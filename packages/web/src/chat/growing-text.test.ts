import { expect, test } from "vitest";
import type { BrowserClock } from "../browser-clock.ts";
import { GrowingText, textCharsMax } from "./growing-text.ts";

/** Runs what is due only when it is told to. */
function stoppedClock(): { readonly clock: BrowserClock; readonly fire: () => number } {
  let due = new Set<() => void>();
  const after = (_delayMs: number, callback: () => void): (() => void) => {
    due.add(callback);
    return () => due.delete(callback);
  };
  const clock: BrowserClock = {
    nowMs: () => 0,
    unixMs: () => 0,
    after,
    every: after,
    nextFrame: (callback) => after(0, callback),
    sleep: () => Promise.resolve(),
  };
  const fire = (): number => {
    const fired = due;
    due = new Set();
    for (const callback of fired) callback();
    return fired.size;
  };
  return { clock, fire };
}

test("many pieces are shown at once, in their order", () => {
  const { clock, fire } = stoppedClock();
  const text = new GrowingText(clock);
  for (const piece of ["a", "b", "", "c"]) text.append(piece);
  expect(text.shown.peek()).toBe("");
  expect(fire()).toBe(1);
  expect(text.shown.peek()).toBe("abc");
  text.append("d");
  text.flush();
  expect(text.shown.peek()).toBe("abcd");
  expect(fire()).toBe(0);
});

test("an answer that goes on shows its beginning until the whole comes again", () => {
  const { clock, fire } = stoppedClock();
  const text = new GrowingText(clock, "Once");
  text.restart();
  expect(text.shown.peek()).toBe("Once");
  text.append("Once upon");
  fire();
  text.append(" a time");
  fire();
  expect(text.shown.peek()).toBe("Once upon a time");
});

test("no text grows beyond its bound", () => {
  const text = new GrowingText(stoppedClock().clock);
  for (let piece = 0; piece < 5; piece++) text.append("x".repeat(textCharsMax / 4));
  text.flush();
  expect(text.shown.peek()).toHaveLength(textCharsMax);
});
