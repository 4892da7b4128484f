// What the text predictor sees of a request: a dense vector (surface, kinds of words, parameters),
// scaled so that one unit matters about as much everywhere, and a set of hashed n-grams.
// The scales are fixed, so what was learned yesterday still means the same.

import type { LengthQuery } from "../length-predictor.ts";
import { askedAmount } from "./asked-amount.ts";
import { kindBit, instructionKinds, kindsOf, type InstructionKind } from "./instruction-words.ts";
import { scanText, type ScannedText } from "./word-scanner.ts";

/** Distinct n-grams kept of one request; ids are below `gramIds`. */
export const gramsMax = 192;
export const gramIds: number = 2 ** 16;

export interface PromptFeatures {
  readonly dense: Float32Array;
  /** Distinct ids in [0, gramIds), in no order. */
  readonly grams: Uint16Array;
}

/** Kinds whose place matters: the request itself stands at the start or at the end of a prompt. */
const headKinds: readonly InstructionKind[] = [
  "compose",
  "longForm",
  "short",
  "discuss",
  "list",
  "steps",
  "code",
  "classify",
  "rewrite",
];
const tailKinds: readonly InstructionKind[] = ["longForm", "short", "long"];
const firstKinds: readonly InstructionKind[] = [
  "who",
  "what",
  "how",
  "why",
  "modal",
  "request",
  "greet",
];
const headWords = 20;
const tailWords = 25;
const firstWords = 2;
/** Words whose n-grams are kept: those at the start and those at the end. */
const gramHeadWords = 80;
const gramTailWords = 40;
const tailTokens = 96;

const surfaceCount = 24;
const parameterCount = 6;

/** Length of the dense vector. */
export const denseCount: number =
  surfaceCount +
  instructionKinds.length +
  headKinds.length +
  tailKinds.length +
  firstKinds.length +
  parameterCount;

/** Of the last user message where there is one, else of the prompt's last tokens; to be kept. */
export function promptFeatures(query: LengthQuery): PromptFeatures {
  const { dense, grams } = passingFeatures(query);
  return { dense: dense.slice(), grams: grams.slice() };
}

/** The same until the next call: a typed array takes longer to make than to fill. */
export function passingFeatures(query: LengthQuery): PromptFeatures {
  const writer = new DenseWriter(passingDense.fill(0));
  grams.clear();
  if (query.userText === null) {
    writer.skip(denseCount - parameterCount);
    grams.addRun(query.promptTokens.subarray(-tailTokens));
  } else {
    const text = scanText(query.userText);
    writeSurface(writer, text);
    writeKinds(writer, text.words);
    if (text.words.length <= gramHeadWords + gramTailWords) {
      grams.addRun(text.words);
    } else {
      grams.addRun(text.words.subarray(0, gramHeadWords));
      grams.addRun(text.words.subarray(-gramTailWords));
    }
  }
  writeParameters(writer, query);
  return { dense: passingDense, grams: grams.result() };
}

function writeSurface(writer: DenseWriter, text: ScannedText): void {
  const words = text.words.length;
  const logWords = Math.log1p(words);
  const read = Math.max(1, text.charactersRead);
  const asked = askedAmount(text);
  writer.number(logWords);
  writer.number((logWords * logWords) / 8);
  writer.flag(words < 8);
  writer.flag(words < 14);
  writer.flag(words > 60);
  writer.flag(words > 150);
  writer.number(1.5 * Math.log1p(text.sentences));
  writer.number(Math.log1p(text.lines));
  writer.flag(text.lines > 0);
  writer.flag(text.paragraphs > 0);
  writer.flag(text.lastMark === "?");
  writer.flag(text.questions > 1);
  writer.flag(text.lastMark === ":");
  writer.flag(text.lastMark === ".");
  writer.flag(text.isLowerStart);
  writer.number((text.lettersInWords / Math.max(1, text.plainWords)) * 1.4);
  writer.number((text.longWords / Math.max(1, text.plainWords)) * 10);
  writer.number((text.digits / read) * 30);
  writer.number((text.marks / read) * 30);
  writer.number((text.capitals / read) * 15);
  writer.number(asked.tokens > 0 ? Math.log(asked.tokens) - 5 : 0);
  writer.flag(asked.tokens > 0);
  writer.number(Math.log1p(asked.items));
  writer.flag(asked.items > 0);
}

function writeKinds(writer: DenseWriter, words: Uint32Array): void {
  let anywhere = 0;
  let head = 0;
  let tail = 0;
  let first = 0;
  for (let i = 0; i < words.length; i++) {
    const bits = kindsOf(words[i] ?? 0);
    anywhere |= bits;
    if (i < firstWords) first |= bits;
    if (i < headWords) head |= bits;
    if (i >= words.length - tailWords) tail |= bits;
  }
  for (const kind of instructionKinds) writer.flag((anywhere & kindBit[kind]) !== 0);
  for (const kind of headKinds) writer.flag((head & kindBit[kind]) !== 0);
  for (const kind of tailKinds) writer.flag((tail & kindBit[kind]) !== 0);
  for (const kind of firstKinds) writer.flag((first & kindBit[kind]) !== 0);
}

function writeParameters(writer: DenseWriter, query: LengthQuery): void {
  writer.flag(query.userText === null);
  writer.flag(query.isConstrained);
  writer.flag(query.temperature === 0);
  writer.number(Math.min(2, Math.max(0, query.temperature)));
  writer.number(Math.log2(1 + query.tokensMax) / 2);
  writer.number(Math.log2(1 + query.promptTokens.length) / 2);
}

class DenseWriter {
  readonly #dense: Float32Array;
  #next = 0;

  constructor(dense: Float32Array) {
    this.#dense = dense;
  }

  number(value: number): void {
    this.#dense[this.#next++] = value;
  }

  flag(value: boolean): void {
    this.#dense[this.#next++] = value ? 2 : 0;
  }

  skip(count: number): void {
    this.#next += count;
  }
}

/** Distinct hashed n-grams (of one and two), found in a small table of open addresses. */
class GramSet {
  readonly #grams = new Uint16Array(gramsMax);
  readonly #table = new Int32Array(512).fill(-1);
  #count = 0;

  clear(): void {
    this.#table.fill(-1);
    this.#count = 0;
  }

  addRun(run: ArrayLike<number>): void {
    let last = 0x5bd1e995;
    for (let i = 0; i < run.length; i++) {
      const word = run[i] ?? 0;
      this.#add(mix(word));
      this.#add(mix(Math.imul(last, 31) ^ word ^ 0x2545f491));
      last = mix(word);
    }
    this.#add(mix(Math.imul(last, 31) ^ 0x3c6ef372));
  }

  /** Until the next run is added. */
  result(): Uint16Array {
    return this.#grams.subarray(0, this.#count);
  }

  #add(hash: number): void {
    if (this.#count === gramsMax) return;
    const id = hash & (gramIds - 1);
    let slot = Math.imul(id, 0x9e3779b1) >>> 23;
    for (let found = this.#table[slot]; found !== -1; found = this.#table[slot]) {
      if (found === id) return;
      slot = (slot + 1) & 511;
    }
    this.#table[slot] = id;
    this.#grams[this.#count++] = id;
  }
}

/** Used by one request after the other. */
const passingDense = new Float32Array(denseCount);
const grams = new GramSet();

function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
