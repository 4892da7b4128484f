// A byte-level BPE vocabulary of any size that llama.cpp accepts: the 256 byte tokens, merges
// that spell some English words, made-up words that no text is ever split into, and the special
// tokens of ChatML at the end. Every text can be encoded; every id has a readable form.

import { assert } from "@loci/core";

const byteTokens = 256;

/** Token types as GGUF numbers them. */
const typeNormal = 1;
const typeControl = 3;

const specialTexts: readonly string[] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

const words =
  "system user assistant the you are a helpful my name is what hello and to of in it that for " +
  "was on with as be at by this have from or one had not but all were when we there can an " +
  "your which said if do will each about how up out them then she many some so these would";

export interface RandomVocabulary {
  /** Texts in the byte alphabet of GPT-2. */
  readonly tokens: readonly string[];
  readonly types: Int32Array;
  readonly merges: readonly string[];
  readonly endOfTextId: number;
  readonly turnStartId: number;
  readonly turnEndId: number;
  /**
   * Ids that a greedy answer should not hold: control tokens, and bytes that are only part of a
   * character (servers hold such text back, so that answers would differ in length).
   */
  readonly dampedIds: readonly number[];
}

/** The chat template that goes with the special tokens. */
export const chatMlTemplate: string =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + " +
  "message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** Builds a vocabulary of exactly `size` tokens; the same for the same size. */
export function randomVocabulary(size: number): RandomVocabulary {
  const alphabet = byteAlphabet();
  const { texts, merges } = spelledWords(alphabet);
  const ordinaryCount = size - specialTexts.length;
  const tokens = [...alphabet, ...texts];
  assert(tokens.length <= ordinaryCount, `a vocabulary has ${tokens.length} tokens or more`);
  const taken = new Set(tokens);
  for (let index = 0; tokens.length < ordinaryCount; index++) {
    const word = madeUpWord(index);
    if (!taken.has(word)) tokens.push(word);
  }
  const types = new Int32Array(size).fill(typeNormal).fill(typeControl, ordinaryCount);
  tokens.push(...specialTexts);
  const dampedIds: number[] = [];
  for (let byte = 128; byte < byteTokens; byte++) dampedIds.push(byte);
  for (let id = ordinaryCount; id < size; id++) dampedIds.push(id);
  return {
    tokens,
    types,
    merges,
    endOfTextId: ordinaryCount,
    turnStartId: ordinaryCount + 1,
    turnEndId: ordinaryCount + 2,
    dampedIds,
  };
}

/** GPT-2 writes a byte as itself where it is printable, else as a character from U+0100 on. */
function byteAlphabet(): readonly string[] {
  let shifted = 0;
  return Array.from({ length: byteTokens }, (_, byte) => {
    const printable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCodePoint(printable ? byte : byteTokens + shifted++);
  });
}

/** Tokens and merges that join each word from its left end, plain and after a space. */
function spelledWords(alphabet: readonly string[]): { texts: string[]; merges: string[] } {
  const space = alphabet[0x20] ?? "";
  const known = new Set(alphabet);
  const texts: string[] = [];
  const merges: string[] = [];
  for (const word of words.split(" ")) {
    for (const spelled of [word, space + word]) {
      for (let length = 2; length <= spelled.length; length++) {
        const text = spelled.slice(0, length);
        if (known.has(text)) continue;
        known.add(text);
        texts.push(text);
        merges.push(`${text.slice(0, -1)} ${text.slice(-1)}`);
      }
    }
  }
  return { texts, merges };
}

const consonants = "bdfgklmnprstvz";
const vowels = "aeiou";

/** A space and at least three syllables, different for every index. */
function madeUpWord(index: number): string {
  const syllables = consonants.length * vowels.length;
  let rest = index;
  let word = "";
  for (let place = 0; place < 3 || rest > 0; place++) {
    const syllable = rest % syllables;
    rest = Math.floor(rest / syllables);
    word += consonants.charAt(Math.floor(syllable / vowels.length));
    word += vowels.charAt(syllable % vowels.length);
  }
  return `\u0120${word}`;
}
