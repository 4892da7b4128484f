// How a byte-pair tokenizer cuts text into words before it merges, as `tokenizer.ggml.pre` names
// it. The native tokenizer has loops of its own for the rules below; the others it runs through a
// recursive regular-expression matcher, which a long enough word makes overflow the stack. A
// process must not end because of a user's text, so only the former are accepted.

const likeGpt2: readonly string[] = [
  "gpt-2",
  "phi-2",
  "mpt",
  "olmo",
  "jais",
  "trillion",
  "exaone4",
  "mellum",
  "gigachat",
  "granite-docling",
];

/** Digits one by one, then as above. */
const likeSmollm: readonly string[] = [
  "smollm",
  "starcoder",
  "refact",
  "command-r",
  "codeshell",
  "exaone",
  "minerva-7b",
  "mellum2",
];

const likeLlama3: readonly string[] = [
  "llama3",
  "llama-v3",
  "llama-bpe",
  "falcon3",
  "falcon-h1",
  "pixtral",
  "midm-2.0",
  "lfm2",
  "dbrx",
  "smaug-bpe",
];

const likeQwen2: readonly string[] = [
  "qwen2",
  "qwen35",
  "deepseek-r1-qwen",
  "kormo",
  "f2llmv2",
  "megrez",
  "hunyuan",
  "stablelm2",
  "solar-open",
];

const safe: ReadonlySet<string> = new Set([
  ...likeGpt2,
  ...likeSmollm,
  ...likeLlama3,
  ...likeQwen2,
]);

/** Whether text of any length can be cut by the rules of this name. */
export function hasSafeSplitter(pre: string): boolean {
  return safe.has(pre);
}
