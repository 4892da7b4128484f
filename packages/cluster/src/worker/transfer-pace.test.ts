import { expect, test } from "vitest";
import { TransferPace } from "./transfer-pace.ts";

test("a running mean of transfers that say something", () => {
  const pace = new TransferPace();
  pace.moved(0, 1);
  pace.moved(1, 1);
  expect(pace.secondsPerBlock).toBeNull();
  pace.moved(10, 0.02);
  expect(pace.secondsPerBlock).toBeCloseTo(0.002);
  pace.moved(10, 0.06);
  expect(pace.secondsPerBlock).toBeCloseTo(0.003);
  for (let time = 0; time < 30; time++) pace.moved(100, 1);
  expect(pace.secondsPerBlock).toBeCloseTo(0.01);
});
