import { Random } from "@loci/core";
import { expect, test } from "vitest";
import { probeRequests } from "./probe-requests.ts";

test("the same seed makes the same requests, another seed others", () => {
  const [one, same, other] = [1, 1, 2].map((seed) => probeRequests(50, new Random(seed)));
  expect(same).toEqual(one);
  expect(other).not.toEqual(one);
});

test("every kind comes, ends with the user's message, and is asked in several ways", () => {
  const requests = probeRequests(1000, new Random(3));
  const texts = Map.groupBy(requests, ({ kind }) => kind);
  expect(texts.size).toBe(14);
  for (const group of texts.values()) {
    const asked = group.map(({ messages }) => messages.at(-1));
    expect(asked.every((message) => message?.role === "user")).toBe(true);
    expect(new Set(asked.map((message) => message?.content)).size).toBeGreaterThan(2);
  }
  for (const { messages } of requests) {
    for (const { content } of messages) expect(content).not.toMatch(/undefined|NaN|  /);
  }
});
