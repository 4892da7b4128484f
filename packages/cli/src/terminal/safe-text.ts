// What models write and files hold may have control characters; a terminal would obey them. Commands
// clean what they show, and streams to a terminal let nothing pass but the colours of `paint`.

/** `text` without control characters other than line breaks and tabs. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}--[\n\t]]/gv, "");
}

/** `text` on one line: line breaks and tabs become spaces, at most `charsMax` characters. */
export function oneLine(text: string, charsMax = 500): string {
  const line = printable(text.slice(0, charsMax * 4))
    .replaceAll(/\s+/g, " ")
    .trim();
  return line.length <= charsMax ? line : `${line.slice(0, charsMax - 1)}…`;
}

/** `text` for a terminal: our own colours stay, every other control character goes. */
export function terminalSafe(text: string): string {
  return text.replaceAll(colourOrControl, (found) =>
    found.startsWith("\u001B[") ? found : found.slice(1),
  );
}

/** A colour as `paint` writes it (behind some control character), or one control character. */
const colourOrControl = /\p{Cc}\[(?:[012]|3[1-4])m|[\p{Cc}--[\n\t]]/gv;
