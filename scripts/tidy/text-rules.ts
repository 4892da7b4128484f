// Rules about a file's words: its header comment, notes left behind, names of machines and hosts.

import { isTestFile } from "./source-file.ts";
import type { Problem, Rule, SourceFile } from "./source-file.ts";

interface Forbidden {
  readonly pattern: RegExp;
  readonly message: string;
  /** Files it does not apply to. */
  readonly notIn?: RegExp;
}

const forbidden: readonly Forbidden[] = [
  {
    pattern: /\b(?:TODO|FIXME|XXX|HACK)\b/,
    message: "finish it, or leave it out: no notes for later",
  },
  {
    pattern: /(?<![\w.*}-])\/(?:home|root|work|Users)\/\w/,
    message: "no absolute path of some machine; derive it",
  },
  {
    // In a page it is an example that works on every Unix.
    pattern: /(?<![\w.*}-])\/tmp\/\w/,
    message: "not every system has this folder; use os.tmpdir()",
    notIn: /\.md$/,
  },
  {
    pattern: /\bregistry\.[a-z-]+\.[a-z]+|\b(?:artifactory|jfrog|nexus)\./i,
    message: "no registry host; npm's configuration knows it",
  },
  {
    pattern: /\bissue (?:#\d|number \d|\d)/i,
    message: "say what it is about; numbers of a tracker mean nothing to a reader",
  },
];

/** The rules' own patterns and tests would be findings. */
const selfFolder = "scripts/tidy/";

export const checkWords: Rule = (files) =>
  files
    .filter(({ path }) => !path.startsWith(selfFolder))
    .flatMap((file) =>
      file.text
        .split("\n")
        .flatMap((line, index) =>
          forbidden
            .filter(({ pattern, notIn }) => pattern.test(line) && !notIn?.test(file.path))
            .map(({ message }) => ({ path: file.path, line: index + 1, message })),
        ),
    );

/**
 * Every source file opens with its idea. Tests and index files say it by their name, a .cpp file
 * may leave it to its .h file.
 */
export const checkHeaders: Rule = (files) => {
  const paths = new Set(files.map(({ path }) => path));
  const needing = files.filter((file) => needsHeader(file, paths));
  return needing.flatMap((file) => headerProblem(file));
};

function needsHeader({ path }: SourceFile, paths: ReadonlySet<string>): boolean {
  if (path.endsWith("/index.ts")) return false;
  if (path.endsWith(".cpp") && paths.has(path.replace(/cpp$/, "h"))) return false;
  return /\.(cpp|h|py|css)$/.test(path) || (/\.tsx?$/.test(path) && !isTestFile(path));
}

function headerProblem({ path, text }: SourceFile): readonly Problem[] {
  const body = text.startsWith("#!") ? text.slice(text.indexOf("\n") + 1) : text;
  const opening = path.endsWith(".py") ? /^\s*(?:#|"""|r""")/ : /^\s*(?:\/\/|\/\*)/;
  const message = "starts without a comment that says what the file is for";
  return opening.test(body) ? [] : [{ path, line: 1, message }];
}
