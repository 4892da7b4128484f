// One pass over a bounded piece of text: a hash for each word and mark, and counts of what kinds of
// characters there are. No substrings are made: a prediction has microseconds.

/** Characters read from the start and from the end of a text; what lies between is only counted. */
export const textEndMax = 1536;
const wordsMax = 1024;

export interface ScannedText {
  /** A hash for each word, number or mark, in order. */
  readonly words: Uint32Array;
  readonly sentences: number;
  readonly lines: number;
  readonly paragraphs: number;
  readonly questions: number;
  readonly digits: number;
  readonly capitals: number;
  readonly marks: number;
  readonly lettersInWords: number;
  readonly longWords: number;
  readonly plainWords: number;
  /** Characters read, and characters that there are. */
  readonly charactersRead: number;
  readonly characters: number;
  readonly isLowerStart: boolean;
  /** The last character that is not space; "" for none. */
  readonly lastMark: string;
}

/** The hash of one lower-case word, as the scanner makes it. */
export function hashWord(word: string): number {
  let hash = hashStart;
  for (let i = 0; i < word.length; i++) hash = hashStep(hash, word.charCodeAt(i));
  return hash >>> 0;
}

const hashStart = 0x811c9dc5;

function hashStep(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193);
}

type CharacterClass = "space" | "letter" | "digit" | "mark" | "ideograph";

function classOf(code: number): CharacterClass {
  if (code <= 32 || code === 0xa0) return "space";
  const lower = code | 32;
  if (lower >= 97 && lower <= 122) return "letter";
  if (code >= 48 && code <= 57) return "digit";
  if (code === 39 || code === 0x2019) return "letter";
  if (code < 0xc0 || (code >= 0x2000 && code < 0x2070)) return "mark";
  return code >= 0x2e80 && code < 0xfb00 ? "ideograph" : "letter";
}

/** Reads a text, the middle of a long one left out. */
export function scanText(text: string): ScannedText {
  const read =
    text.length <= 2 * textEndMax
      ? text
      : `${text.slice(0, textEndMax)}\n${text.slice(-textEndMax)}`;
  const scanner = new Scanner();
  for (let i = 0; i < read.length; i++) scanner.take(read.charCodeAt(i));
  scanner.endWord();
  return scanner.result(read, text.length);
}

class Scanner {
  readonly #words = new Uint32Array(wordsMax);
  #wordCount = 0;
  #hash = hashStart;
  #wordLength = 0;
  #wordHasLetter = false;
  #last = 0;
  #sentences = 0;
  #lines = 0;
  #paragraphs = 0;
  #questions = 0;
  #digits = 0;
  #capitals = 0;
  #marks = 0;
  #lettersInWords = 0;
  #longWords = 0;
  #plainWords = 0;

  take(code: number): void {
    const kind = classOf(code);
    if (kind === "letter" || kind === "digit") {
      this.#takeWordCharacter(code, kind);
    } else {
      this.endWord();
      if (kind === "space") this.#takeSpace(code);
      else this.#takeMark(code, kind);
    }
    this.#last = code;
  }

  endWord(): void {
    if (this.#wordLength === 0) return;
    this.#push(this.#hash >>> 0);
    if (this.#wordHasLetter) {
      this.#plainWords++;
      this.#lettersInWords += this.#wordLength;
      if (this.#wordLength > 8) this.#longWords++;
    }
    this.#hash = hashStart;
    this.#wordLength = 0;
    this.#wordHasLetter = false;
  }

  result(read: string, characters: number): ScannedText {
    const trimmed = read.trimEnd();
    const first = read.charCodeAt(0);
    return {
      words: this.#words.subarray(0, this.#wordCount),
      sentences: this.#sentences,
      lines: this.#lines,
      paragraphs: this.#paragraphs,
      questions: this.#questions,
      digits: this.#digits,
      capitals: this.#capitals,
      marks: this.#marks,
      lettersInWords: this.#lettersInWords,
      longWords: this.#longWords,
      plainWords: this.#plainWords,
      charactersRead: read.length,
      characters,
      isLowerStart: first >= 97 && first <= 122,
      lastMark: trimmed.slice(-1),
    };
  }

  #takeWordCharacter(code: number, kind: "letter" | "digit"): void {
    const isCapital = code >= 65 && code <= 90;
    if (isCapital) this.#capitals++;
    if (kind === "digit") this.#digits++;
    else this.#wordHasLetter = true;
    const lower = isCapital ? code + 32 : code === 0x2019 ? 39 : code;
    this.#hash = hashStep(this.#hash, lower);
    this.#wordLength++;
  }

  #takeSpace(code: number): void {
    if (code === 10) {
      this.#lines++;
      if (this.#last === 10) this.#paragraphs++;
    }
    if (this.#last === 33 || this.#last === 46 || this.#last === 63) this.#sentences++;
  }

  #takeMark(code: number, kind: "mark" | "ideograph"): void {
    if (kind === "mark") this.#marks++;
    if (code === 63 || code === 0xff1f) this.#questions++;
    this.#push(hashStep(hashStart, code) >>> 0);
  }

  #push(hash: number): void {
    if (this.#wordCount < wordsMax) this.#words[this.#wordCount++] = hash;
  }
}
