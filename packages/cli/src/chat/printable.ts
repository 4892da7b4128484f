// What a model writes may hold control characters; a terminal would obey them.

/** `text` without control characters other than line breaks and tabs. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}--[\n\t]]/gv, "");
}
