import { expect, test } from "vitest";

import { threadPoolSize } from "./thread-pool.ts";

test("a pool has at least the threads of Node's own", () => {
  const wishes = [undefined, "", "none", "-3", "0", "1", "4", "5", "64", "12 or so"];
  expect(wishes.map(threadPoolSize)).toEqual([4, 4, 4, 4, 4, 4, 4, 5, 64, 12]);
});
