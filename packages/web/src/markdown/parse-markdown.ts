// Markdown into a tree, with GitHub's tables, strikethrough and task lists. Text that would take too
// long, or that the parser fails at, is shown as it is.

import type { Root } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { gfm } from "micromark-extension-gfm";

/** Longer texts stay plain. */
export const markdownCharsMax: number = 60_000;
/** Marks in one paragraph that the parser weighs against each other: its work grows with their square. */
const marksMax = 1500;
/** Quotes and lists within each other on one line, as no writer means them. */
const nestingPattern = /^(?:[ \t]*(?:>|[-+*]|\d{1,9}[.)])[ \t]*){24}/m;

/** Null: show it as plain text. */
export function parseMarkdown(text: string): Root | null {
  if (text.length > markdownCharsMax || nestingPattern.test(text)) return null;
  if (text.split(/\n[ \t]*\n/).some((paragraph) => countMarks(paragraph) > marksMax)) return null;
  try {
    return fromMarkdown(text, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] });
  } catch {
    return null;
  }
}

function countMarks(paragraph: string): number {
  return paragraph.length <= marksMax ? 0 : (paragraph.match(/[*_~[\]!`<]/g)?.length ?? 0);
}
