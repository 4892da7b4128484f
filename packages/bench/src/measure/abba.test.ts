import { expect, test } from "vitest";
import { interleave } from "./abba.ts";

test("every pair has both arms, and pairs alternate which is first", () => {
  for (let seed = 0; seed < 20; seed++) {
    const runs = interleave(["a", "b"], 6, seed);
    expect(runs).toHaveLength(12);
    const firsts: string[] = [];
    for (let pair = 0; pair < 6; pair++) {
      const [first, second] = runs.slice(2 * pair, 2 * pair + 2);
      expect([first?.pair, second?.pair]).toEqual([pair, pair]);
      expect(new Set([first?.arm, second?.arm])).toEqual(new Set(["a", "b"]));
      firsts.push(first?.arm ?? "");
    }
    for (let pair = 0; pair < 6; pair += 2) expect(firsts[pair]).not.toBe(firsts[pair + 1]);
  }
});

function order(seed: number): string {
  return interleave(["a", "b"], 4, seed)
    .map((run) => run.arm)
    .join("");
}

test("the seed decides the order, and both orders occur", () => {
  expect(order(5)).toBe(order(5));
  const orders = new Set(Array.from({ length: 32 }, (_, seed) => order(seed)));
  expect(orders).toEqual(new Set(["abbaabba", "abbabaab", "baababba", "baabbaab"]));
});
