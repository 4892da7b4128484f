import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { requireBuiltPage } from "./testing/built-page.ts";

const folder = join(import.meta.dirname, "..", "dist");

interface PageFile {
  readonly name: string;
  readonly bytes: number;
}

/** What a browser that knows brotli fetches of each file. */
function filesServed(): readonly PageFile[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const plain = names.filter((name) => /\.\w+$/.test(name) && !/\.(br|gz)$/.test(name));
  return plain.map((name) => {
    const smallest = names.includes(`${name}.br`) ? `${name}.br` : name;
    return { name, bytes: statSync(join(folder, smallest)).size };
  });
}

const sum = (files: readonly PageFile[]): number =>
  files.reduce((all, { bytes }) => all + bytes, 0);

describe("the built page", () => {
  beforeAll(requireBuiltPage, 120_000);

  test("weighs at most 150 kB with everything, and a third of it before the chat can be used", () => {
    const files = filesServed();
    expect(files.length).toBeGreaterThan(3);
    expect(sum(files)).toBeLessThanOrEqual(150_000);
    const html = readFileSync(join(folder, "index.html"), "utf8");
    const first = files.filter(
      ({ name }) => name === "index.html" || html.includes(name.replaceAll("\\", "/")),
    );
    expect(first.length).toBeGreaterThan(2);
    expect(sum(first)).toBeLessThanOrEqual(50_000);
  });

  test("asks nobody but its server, and has nothing inline", () => {
    const html = readFileSync(join(folder, "index.html"), "utf8");
    expect(html).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    expect(html).not.toMatch(/<style|style="|<script(?![^>]*\bsrc=)/);
    for (const { name } of filesServed().filter((file) => /\.(js|css)$/.test(file.name))) {
      const text = readFileSync(join(folder, name), "utf8");
      expect(text).not.toMatch(/url\(\s*["']?(?:https?:)?\/\/|import\(\s*["'`]https?:/);
    }
  });
});
