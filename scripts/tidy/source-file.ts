// The files tidy looks at: everything in the tree that is written by hand, read once.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

export interface SourceFile {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** A finding; `line` counts from 1, 0 stands for the whole file. */
export interface Problem {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export type Rule = (files: readonly SourceFile[]) => readonly Problem[];

const foldersSkipped: ReadonlySet<string> = new Set([
  ".git",
  "node_modules",
  "build",
  "dist",
  "coverage",
  "results",
  "checkpoints",
  "__pycache__",
]);
const endingsRead = /\.(tsx?|css|json|md|cpp|h|py|yml|yaml)$|^(bin\/loci|\.ci\/run)$/;
const filesSkipped: ReadonlySet<string> = new Set(["package-lock.json"]);

/** All files under `root` that the rules apply to. */
export function readSourceFiles(root: string): readonly SourceFile[] {
  const files: SourceFile[] = [];
  const visit = (folder: string): void => {
    const entries = readdirSync(join(root, folder), { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => a.name.localeCompare(b.name))) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && !isSkipped(path, entry.name)) visit(path);
      if (!entry.isFile() || !endingsRead.test(path) || filesSkipped.has(path)) continue;
      files.push({ path, text: readFileSync(join(root, path), "utf8") });
    }
  };
  visit("");
  return files;
}

/** True for tests of every kind and what only tests use. */
export function isTestFile(path: string): boolean {
  return /\.(test|model-test|e2e-test|suite)\.tsx?$|\/testing\/|\/test\//.test(path);
}

function isSkipped(path: string, name: string): boolean {
  return foldersSkipped.has(name) || path === "training/data";
}
