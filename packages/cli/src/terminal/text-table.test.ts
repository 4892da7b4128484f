import { expect, test } from "vitest";

import { textTable } from "./text-table.ts";

test("columns align, cells stay on their line, the last gives way to the screen", () => {
  const rows = [
    ["a", "one\ntwo", "x".repeat(30)],
    ["longer", "\u001B[2J", ""],
  ];
  expect(textTable(["ID", "TEXT", "TAIL"], rows, 24)).toBe(`ID      TEXT     TAIL
a       one two  xxxxxx…
longer  [2J
`);
  expect(textTable(["ID"], [])).toBe("ID\n");
  expect(textTable(["ID"], [["x".repeat(200)]]).split("\n")[1]).toHaveLength(100);
});
