import { expect, test } from "vitest";
import { CircuitBreaker } from "./circuit-breaker.ts";

function opened(): CircuitBreaker {
  const breaker = new CircuitBreaker();
  for (let index = 0; index < 10; index++) breaker.failed(`${index}`, 0);
  return breaker;
}

test("ten failures in a row open it, nine and a success do not", () => {
  expect(opened().state(0)).toBe("open");
  const breaker = new CircuitBreaker();
  for (let index = 0; index < 9; index++) breaker.failed(`${index}`, 0);
  breaker.succeeded("good");
  breaker.failed("last", 0);
  expect(breaker.state(0)).toBe("closed");
});

test("after ten seconds one trial at a time; three successes close it", () => {
  const breaker = opened();
  expect(breaker.allows(9999)).toBe(false);
  for (const id of ["a", "b", "c"]) {
    expect(breaker.state(10_000)).toBe("half_open");
    expect(breaker.allows(10_000)).toBe(true);
    breaker.sent(id, 10_000);
    expect(breaker.allows(10_000)).toBe(false);
    breaker.succeeded(id);
  }
  expect(breaker.state(10_000)).toBe("closed");
  breaker.checkIntegrity();
});

test("a failed trial opens it again", () => {
  const breaker = opened();
  breaker.sent("trial", 10_000);
  breaker.failed("trial", 10_500);
  expect(breaker.state(20_000)).toBe("open");
  expect(breaker.allows(20_500)).toBe(true);
});

test("a trial that ends without a word makes room for another", () => {
  const breaker = opened();
  breaker.sent("trial", 10_000);
  breaker.ended("trial");
  expect(breaker.allows(10_000)).toBe(true);
});
