// Every block of docs/library.md and the example are run as their readers would run them: in a folder
// of their own that has loci installed.

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..", "..");
const page = await readFile(join(root, "docs", "library.md"), "utf8");
const blocks = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1] ?? "");

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loci-page-"));
  await mkdir(join(folder, "node_modules"));
  const type = process.platform === "win32" ? "junction" : "dir";
  await symlink(join(root, "packages", "loci"), join(folder, "node_modules", "loci"), type);
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
});

afterAll(() => rm(folder, { recursive: true }));

async function runFile(name: string): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, [name], { cwd: folder });
  expect(stderr).toBe("");
  return stdout;
}

test.each(blocks.map((text, index) => ({ index, text })))(
  "block $index of the page",
  async ({ index, text }) => {
    const name = `block-${index}.ts`;
    await writeFile(join(folder, name), text);
    expect(await runFile(name)).not.toBe("");
  },
);

test("the example", async () => {
  await cp(join(root, "examples", "library.ts"), join(folder, "library.ts"));
  const output = await runFile("library.ts");
  expect(output).toMatch(/^loci-demo, \d+ tokens of context\n/);
  expect(output.match(/\([1-9]\d* of \d+ tokens from the cache\)/g)).toHaveLength(2);
});
