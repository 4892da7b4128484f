import { expect, test } from "vitest";

import { printable } from "./printable.ts";

test("escape sequences lose their power, text stays", () => {
  expect(printable("a\u001B[2Jb\u0000\r\nc\td\u009Be 👋")).toBe("a[2Jb\nc\tde 👋");
});
