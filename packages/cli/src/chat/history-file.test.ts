import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, expect, test } from "vitest";

import { HistoryFile, historyLinesMax, historyPath } from "./history-file.ts";

const folder = mkdtempSync(join(tmpdir(), "loci-history-"));

afterAll(() => rmSync(folder, { recursive: true }));

test("lines come back in the next chat, and nobody else may read them", () => {
  const path = historyPath({ XDG_STATE_HOME: join(folder, "state") });
  const history = new HistoryFile(path);
  expect(history.load()).toEqual([]);
  for (const line of ["one", "", " secret", "two\u001B[2J", "x".repeat(5000)]) history.add(line);
  expect(new HistoryFile(path).load()).toEqual(["one", "two[2J"]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, "state", "loci")).mode & 0o777).toBe(0o700);
});

test("only the last lines are kept, those of another chat too", () => {
  const path = join(folder, "long");
  const [one, other] = [new HistoryFile(path), new HistoryFile(path)];
  one.load();
  other.load();
  for (let count = 0; count < 1500; count++) (count % 2 === 0 ? one : other).add(`line ${count}`);
  const expected = Array.from({ length: historyLinesMax }, (_, index) => `line ${index + 500}`);
  expect(new HistoryFile(path).load()).toEqual(expected);
  for (let count = 1500; count < 2300; count++) one.add(`line ${count}`);
  expect(readFileSync(path, "utf8").split("\n").length).toBeLessThan(1300);
});

test("a file that cannot be used is no history", () => {
  const path = join(folder, "file");
  writeFileSync(path, "a\u0000b\n\nc\r\n");
  expect(new HistoryFile(path).load()).toEqual(["ab", "c"]);
  const below = new HistoryFile(join(path, "history"));
  below.add("lost");
  expect(below.load()).toEqual([]);
});
