import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openPage } from "./open-page.ts";

it("serves without a page that is not there or cannot be served, and says so", async () => {
  const warnings: string[] = [];
  const logger = { warn: (message: unknown) => void warnings.push(String(message)) };
  const folder = await mkdtemp(join(tmpdir(), "page-"));
  try {
    expect(await openPage(logger, join(folder, "none"))).toBeNull();
    expect(warnings).toEqual([]);
    await writeFile(join(folder, "index.html"), "<p>");
    expect(await openPage(logger, folder)).toMatchObject({ files: [{ path: "/" }] });
    await writeFile(join(folder, "odd.exe"), "");
    expect(await openPage(logger, folder)).toBeNull();
    expect(warnings).toEqual([expect.stringContaining("odd.exe")]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
