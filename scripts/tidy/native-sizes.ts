// Size limits for C++, as the linter holds them for TypeScript: lines of code in a file and lines
// in a function, both without comments and blank lines.

import type { Problem, Rule, SourceFile } from "./source-file.ts";

const fileLinesMax = 400;
const functionLinesMax = 70;

interface Block {
  readonly isFunction: boolean;
  readonly lineStart: number;
}

interface LineRange {
  readonly lineStart: number;
  readonly lineEnd: number;
}

export const checkNativeSizes: Rule = (files) =>
  files
    .filter(({ path }) => path.includes("/native/") && /\.(cpp|h)$/.test(path))
    .flatMap((file) => nativeProblems(file));

function nativeProblems({ path, text }: SourceFile): readonly Problem[] {
  const lines = withoutComments(text).split("\n");
  const codeLines = (start: number, end: number): number =>
    lines.slice(start, end).filter((line) => line.trim() !== "").length;
  const problems: Problem[] = [];
  const total = codeLines(0, lines.length);
  if (total > fileLinesMax) {
    problems.push({ path, line: 0, message: `${total} lines of code; ${fileLinesMax} at most` });
  }
  for (const { lineStart, lineEnd } of functionRanges(lines)) {
    const size = codeLines(lineStart, lineEnd + 1);
    if (size <= functionLinesMax) continue;
    const message = `a function of ${size} lines; ${functionLinesMax} at most`;
    problems.push({ path, line: lineStart + 1, message });
  }
  return problems;
}

/** Outermost function bodies: braces that follow a parameter list, not inside another body. */
function functionRanges(lines: readonly string[]): readonly LineRange[] {
  const ranges: LineRange[] = [];
  const open: Block[] = [];
  let statement = "";
  for (const [lineIndex, line] of lines.entries()) {
    // Directives hold parentheses of their own and end no statement.
    const code = line.trimStart().startsWith("#") ? "" : `${line} `;
    for (const character of code) {
      if (character === "{") {
        const isInside = open.some((block) => block.isFunction);
        open.push({ isFunction: !isInside && opensFunction(statement), lineStart: lineIndex });
      }
      const closed = character === "}" ? open.pop() : undefined;
      if (closed?.isFunction) ranges.push({ lineStart: closed.lineStart, lineEnd: lineIndex });
      statement = /[{};]/.test(character) ? "" : statement + character;
    }
  }
  return ranges;
}

function opensFunction(statement: string): boolean {
  const text = statement.trim();
  const isType = /^(?:typedef\s+)?(?:struct|class|union|enum|namespace|extern)\b/.test(text);
  return !isType && text.includes("(") && !/=\s*$/.test(text);
}

/** Comments and the contents of literals become blanks; lines stay where they are. */
function withoutComments(text: string): string {
  const pattern = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g;
  return text.replaceAll(pattern, (match) => match.replaceAll(/[^\n]/g, " "));
}
