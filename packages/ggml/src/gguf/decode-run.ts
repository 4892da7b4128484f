// Decodes runs of short strings with one call: a vocabulary has hundreds of thousands, and a call
// into the decoder costs more than the text. A run of length-prefixed strings below 128 bytes is
// itself UTF-8 (such a prefix is eight ASCII bytes), so it is decoded as a whole and cut at the
// character counts that the lead bytes promise. Invalid bytes break that promise; they show as
// U+FFFD, and then the run is decoded string by string.

const runBytesMax = 64 * 1024;
const prefixBytes = 8;
const replacement = "\ufffd";

/** Code units of each string in the run at hand; filled and read within one call. */
const units = new Uint8Array(runBytesMax / prefixBytes);

/**
 * Appends at most `countMax` strings that lie whole in `window` from `start` to `texts`; returns
 * where the first one not taken starts: a long one, or one that leaves the window.
 */
export function decodeRun(
  window: Buffer,
  start: number,
  countMax: number,
  texts: string[],
): number {
  const limit = Math.min(window.byteLength, start + runBytesMax);
  let count = 0;
  let at = start;
  while (count < countMax) {
    const length = shortLengthAt(window, at, limit);
    const end = at + prefixBytes + length;
    if (length < 0 || end > limit) break;
    units[count++] = codeUnitsIn(window, at + prefixBytes, end);
    at = end;
  }
  const run = window.toString("utf8", start, at);
  if (run.includes(replacement)) cutBytes(window, start, at, texts);
  else cutText(run, count, texts);
  return at;
}

/** The length at `at` when it is below 128 and inside the limit, else -1. */
function shortLengthAt(window: Buffer, at: number, limit: number): number {
  if (at + prefixBytes > limit) return -1;
  const length = window[at] ?? -1;
  for (let index = at + 1; index < at + prefixBytes; index++) if (window[index] !== 0) return -1;
  return length < 128 ? length : -1;
}

/** UTF-16 code units of valid UTF-8: one for a lead byte, two for that of four bytes. */
function codeUnitsIn(window: Buffer, start: number, end: number): number {
  let count = 0;
  for (let index = start; index < end; index++) {
    const byte = window[index] ?? 0;
    if (byte < 0x80 || byte >= 0xc0) count += byte < 0xf0 ? 1 : 2;
  }
  return count;
}

function cutBytes(window: Buffer, start: number, end: number, texts: string[]): void {
  for (let at = start; at < end;) {
    const length = window[at] ?? 0;
    at += prefixBytes;
    texts.push(window.toString("utf8", at, at + length));
    at += length;
  }
}

function cutText(run: string, count: number, texts: string[]): void {
  let at = 0;
  for (let index = 0; index < count; index++) {
    at += prefixBytes;
    const end = at + (units[index] ?? 0);
    texts.push(run.slice(at, end));
    at = end;
  }
}
