// What a vocabulary must be before llama.cpp's loader and tokenizer see it. Those end the process
// where an assumption fails (equal token texts, a missing BOS, an exception that crosses the C
// interface), so every such assumption is checked here first, on our side, with a message.
//
// The special cases mirror how the loader reads a file: a text ends at its first NUL, an empty
// one is named after its index, an id out of range is as good as absent.

import { LociError } from "@loci/core";
import type { GgufFile, GgufValue, GgufValueType } from "./gguf-format.ts";
import { findDuplicate } from "./find-duplicate.ts";
import { hasSafeSplitter } from "./pre-tokenizers.ts";

/** Vocabularies beyond these are refused; the largest in use are an order of magnitude below. */
const tokensMax = 2 * 1024 * 1024;
const tokenCharactersMax = 4096;
/** The tokenizer searches every text for each of them. */
const specialTokensMax = 16_384;

/** Unknown, control and user-defined. */
const specialTypes: ReadonlySet<number> = new Set([2, 3, 4]);
const byteTokenType = 6;

interface TokenizerKind {
  /** Ids the loader assumes where the file names none. */
  readonly bosDefault: number;
  readonly eosDefault: number;
}

/** The tokenizers of the supported families, as `tokenizer.ggml.model` names them. */
const tokenizerKinds: ReadonlyMap<string, TokenizerKind> = new Map([
  ["llama", { bosDefault: 1, eosDefault: 2 }],
  ["gpt2", { bosDefault: 11, eosDefault: 11 }],
]);

const specialIds: readonly string[] = [
  "bos",
  "eos",
  "eot",
  "eom",
  "unknown",
  "seperator",
  "padding",
  "mask",
  "fim_pre",
  "fim_suf",
  "fim_mid",
  "fim_pad",
  "fim_rep",
  "fim_sep",
  "prefix",
  "suffix",
  "middle",
];

const flags: readonly string[] = [
  "add_bos_token",
  "add_eos_token",
  "add_sep_token",
  "add_space_prefix",
  "remove_extra_whitespaces",
];

/**
 * Throws LociError `model_file_invalid` when the vocabulary breaks an assumption, `not_supported`
 * when its tokenizer is none of ours or the file is one part of several.
 */
export function checkVocabulary(file: GgufFile): void {
  const check = new VocabularyCheck(file);
  checkNotSplit(file);
  const kind = check.kind();
  const tokens = check.tokens();
  check.tokenTypes(tokens);
  check.scores(tokens.length);
  check.types();
  check.special("bos", kind.bosDefault, tokens.length);
  check.special("eos", kind.eosDefault, tokens.length);
  if (check.model === "gpt2") check.merges();
  else check.byteTokens(tokens);
}

/** Throws `not_supported` for one part of a model that is split over several files. */
export function checkNotSplit(file: GgufFile): void {
  const count = file.metadata.get("split.count");
  if (count === undefined || count === 0 || count === 1) return;
  const parts = typeof count === "number" || typeof count === "bigint" ? `${count}` : "several";
  throw new LociError("not_supported", `${file.path} is one of ${parts} parts of a model.`, {
    remedy: "Join them with `llama-gguf-split --merge` or take a single-file version.",
  });
}

class VocabularyCheck {
  readonly #file: GgufFile;

  constructor(file: GgufFile) {
    this.#file = file;
  }

  get model(): GgufValue | undefined {
    return this.#value("model", "string");
  }

  kind(): TokenizerKind {
    const { model } = this;
    const pre = this.#value("pre", "string") ?? "default";
    const kind = typeof model === "string" ? tokenizerKinds.get(model) : undefined;
    if (kind === undefined) {
      const name = model === undefined ? "no tokenizer" : `the tokenizer ${JSON.stringify(model)}`;
      throw new LociError("not_supported", `${this.#file.path} has ${name}.`, {
        remedy: `Supported: ${[...tokenizerKinds.keys()].join(", ")}.`,
      });
    }
    if (model === "gpt2" && !hasSafeSplitter(String(pre))) {
      throw new LociError(
        "not_supported",
        `${this.#file.path} splits text by the rules ${JSON.stringify(pre)}, for which the ` +
          "tokenizer could overflow its stack on long input.",
        {
          remedy: "Take a newer conversion that names one of the rules of gpt-2, llama 3 or qwen2.",
        },
      );
    }
    return kind;
  }

  /** The texts as the loader will know them. */
  tokens(): readonly string[] {
    const value = this.#required("tokens", "array<string>");
    if (!isStrings(value)) throw this.#invalid("tokens", "is not a list of strings");
    if (value.length === 0 || value.length > tokensMax) {
      throw this.#invalid("tokens", `has ${value.length} entries; 1 to ${tokensMax} are accepted`);
    }
    const texts = value.map(loadedText);
    const long = texts.findIndex((text) => text.length > tokenCharactersMax);
    if (long >= 0) {
      throw this.#invalid("tokens", `has ${texts[long]?.length} characters in token ${long}`);
    }
    const equal = findDuplicate(texts);
    if (equal !== null) {
      throw this.#invalid("tokens", `has token ${equal.again} also as token ${equal.first}`);
    }
    return texts;
  }

  tokenTypes(tokens: readonly string[]): void {
    const types = this.#numbers("token_type", ["array<int32>"], tokens.length);
    let special = 0;
    for (let index = 0; index < types.length; index++) {
      const type = types[index] ?? 0;
      if (specialTypes.has(type)) special++;
      if (type === byteTokenType && !/^<0x[0-9A-Fa-f]{2}>$/.test(tokens[index] ?? "")) {
        throw this.#invalid("tokens", `has a byte token ${index} that is not written <0xNN>`);
      }
    }
    if (special > specialTokensMax) {
      throw this.#invalid("token_type", `marks ${special} tokens as special`);
    }
  }

  scores(tokens: number): void {
    const scores = this.#numbers("scores", ["array<float32>", "array<int32>"], tokens);
    const index = scores.findIndex((score) => Number.isNaN(score));
    if (index >= 0) throw this.#invalid("scores", `is not a number for token ${index}`);
  }

  /** Keys the loader reads only with one type. */
  types(): void {
    for (const name of specialIds) this.#value(`${name}_token_id`, "uint32");
    for (const name of flags) this.#value(name, "bool");
    this.#value("token_type_count", "uint32");
    this.#value("suppress_tokens", "array<int32>");
  }

  /** The id must name a token: the tokenizer may add it to any text. */
  special(name: string, assumed: number, tokens: number): void {
    const key = `${name}_token_id`;
    const id = this.#value(key, "uint32");
    if (Number(id ?? assumed) < tokens) return;
    throw this.#invalid(key, id === undefined ? "is missing" : "names no token");
  }

  merges(): void {
    const merges = this.#required("merges", "array<string>");
    if (!isStrings(merges)) throw this.#invalid("merges", "is not a list of strings");
    const index = merges.findIndex((merge) => !isPair(merge));
    if (index >= 0) throw this.#invalid("merges", `has no pair of texts in entry ${index}`);
  }

  /** Text that forms no token falls back to bytes; the tokenizer assumes all 256 exist. */
  byteTokens(tokens: readonly string[]): void {
    const known = new Set(tokens);
    for (let byte = 0; byte < 256; byte++) {
      const name = `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
      const plain = byte > 0 && byte < 128 && known.has(String.fromCodePoint(byte));
      if (!plain && !known.has(name)) {
        throw this.#invalid("tokens", `has no token for the byte ${name}`);
      }
    }
  }

  #numbers(
    name: string,
    types: readonly GgufValueType[],
    count: number,
  ): Float32Array | Int32Array {
    const key = `tokenizer.ggml.${name}`;
    const value = this.#file.metadata.get(key);
    if (value === undefined) return new Int32Array(0);
    const type = this.#file.metadataTypes.get(key);
    const isList = value instanceof Int32Array || value instanceof Float32Array;
    if (!isList || type === undefined || !types.includes(type)) {
      throw this.#invalid(name, `has the type ${type} instead of ${types.join(" or ")}`);
    }
    if (value.length !== count) {
      throw this.#invalid(name, `has ${value.length} entries for ${count} tokens`);
    }
    return value;
  }

  #required(name: string, type: GgufValueType): GgufValue {
    const value = this.#value(name, type);
    if (value === undefined) throw this.#invalid(name, "is missing");
    return value;
  }

  #value(name: string, type: GgufValueType): GgufValue | undefined {
    const key = `tokenizer.ggml.${name}`;
    const found = this.#file.metadataTypes.get(key);
    if (found !== undefined && found !== type) {
      throw this.#invalid(name, `has the type ${found} instead of ${type}`);
    }
    return this.#file.metadata.get(key);
  }

  #invalid(name: string, what: string): LociError {
    return new LociError(
      "model_file_invalid",
      `${this.#file.path} has an unusable vocabulary: tokenizer.ggml.${name} ${what}.`,
      { remedy: "Download or convert the file again." },
    );
  }
}

/** Two texts with one space between them, which may be the first's first character. */
function isPair(merge: string): boolean {
  const space = merge.indexOf(" ", 1);
  return space > 0 && space < merge.length - 1 && !merge.includes(" ", space + 1);
}

function loadedText(token: string, index: number): string {
  const end = token.indexOf("\0");
  const text = end < 0 ? token : token.slice(0, end);
  return text === "" ? `[EMPTY_${index}]` : text;
}

function isStrings(value: GgufValue): value is readonly string[] {
  return Array.isArray(value) && typeof (value[0] ?? "") === "string";
}
