// Markdown into a tree, with GitHub's tables, strikethrough and task lists. Text that would take too
// long, or that the parser fails at, is shown as it is.

import type { Root } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { gfm } from "micromark-extension-gfm";

/** Longer texts stay plain. */
export const markdownCharsMax: number = 200_000;
/** Quotes and lists within each other on one line, as no writer means them. */
const nestingPattern = /^(?:[ \t]*(?:>|[-+*]|\d{1,9}[.)])[ \t]*){24}/m;

/** Null: show it as plain text. */
export function parseMarkdown(text: string): Root | null {
  if (text.length > markdownCharsMax || nestingPattern.test(text)) return null;
  try {
    return fromMarkdown(text, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] });
  } catch {
    return null;
  }
}
