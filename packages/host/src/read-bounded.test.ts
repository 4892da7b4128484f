import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { readBounded } from "./read-bounded.ts";

test("reads up to its bound, and neither more nor a folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "loci-bounded-"));
  const path = join(folder, "text");
  await writeFile(path, "12345");
  expect(await readBounded("It", path, 5)).toBe("12345");
  await expect(readBounded("It", path, 4)).rejects.toThrow("is too large");
  await expect(readBounded("It", folder, 4)).rejects.toThrow("EISDIR");
  await rm(folder, { recursive: true });
});
