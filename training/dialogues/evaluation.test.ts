import { expect, test } from "vitest";
import { evaluationCases, recallCase, SKILL_BARS } from "./evaluation.ts";
import { createRandom } from "./seeded-random.ts";

/** An answer's first letters without the vowels and digits that carry it. */
function spoilt(answer: string): string {
  return answer.replace(/[aeiouy\d]/gi, "").slice(0, 60);
}

test("the same seed gives the same cases, another seed others", () => {
  const first = evaluationCases(5, 3).map((one) => JSON.stringify(one));
  expect(evaluationCases(5, 3).map((one) => JSON.stringify(one))).toEqual(first);
  expect(evaluationCases(6, 3).map((one) => JSON.stringify(one))).not.toEqual(first);
});

test("every case accepts the generator's own answer", () => {
  for (const one of evaluationCases(11, 40)) {
    expect(one.accepts(one.reference), `${one.skill}: ${one.reference}`).toBe(true);
  }
});

test("no case accepts an empty, a foreign or a spoilt answer", () => {
  for (const one of evaluationCases(12, 20)) {
    for (const wrong of ["", "Qqq zzz!", spoilt(one.reference)]) {
      expect(one.accepts(wrong), `${one.skill}: ${wrong}`).toBe(false);
    }
  }
});

test("every skill has a bar, and every bar a skill", () => {
  const skills = new Set(evaluationCases(1, 1).map((one) => one.skill));
  expect([...skills].toSorted()).toEqual(Object.keys(SKILL_BARS).toSorted());
});

test("a recall case asks as many turns after the telling as it says", () => {
  const random = createRandom(3);
  for (const distance of [1, 5, 20]) {
    for (let round = 0; round < 20; round += 1) {
      const users = recallCase(random, distance).messages.filter(
        (message) => message.role === "user",
      ).length;
      expect(users).toBeGreaterThan(distance);
      expect(users).toBeLessThanOrEqual(distance + 2);
    }
  }
});
