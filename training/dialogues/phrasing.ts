// How one request becomes many: templates with [alternatives], {slots}, and
// the careless casing and punctuation of people at a keyboard.

import type { SeededRandom } from "./seeded-random.ts";

/** Resolves every [a|b|c], innermost first, so that alternatives may nest. */
export function expand(random: SeededRandom, template: string): string {
  let text = template;
  for (;;) {
    const match = /\[([^[\]]*)\]/.exec(text);
    if (match === null) return text;
    const choice = random.pick((match[1] ?? "").split("|"));
    text = text.slice(0, match.index) + choice + text.slice(match.index + match[0].length);
  }
}

/** Puts values into {slots}; a slot without a value stays as it is. */
export function fill(template: string, slots: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => slots[name] ?? whole);
}

/** Changes casing and punctuation as hurried writers do; slots stay intact. */
export function careless(random: SeededRandom, text: string): string {
  let out = text;
  if (random.chance(0.12)) out = out.replace(/[.?!]+$/, "");
  if (random.chance(0.05))
    out = `${out.replace(/[.?!]+$/, "")} please${random.pick(["", ".", "?"])}`;
  const roll = random.next();
  if (roll < 0.15) return out.toLowerCase();
  if (roll < 0.17)
    return out.replace(/\{\w+\}|[^{]+/g, (part) =>
      part.startsWith("{") ? part : part.toUpperCase(),
    );
  if (roll < 0.2) return `${out}${random.pick([" ", "!", " :)", "..."])}`;
  return out;
}

/** One request: an expanded template, carelessly written, its slots filled. */
export function request(
  random: SeededRandom,
  templates: readonly string[],
  slots: Readonly<Record<string, string>> = {},
): string {
  return fill(careless(random, expand(random, random.pick(templates))), slots);
}

export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Whether `answer` holds `wanted` as whole words, whatever the casing. */
export function mentions(answer: string, wanted: string): boolean {
  const escaped = wanted.toLowerCase().replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(^|[^a-z0-9])${escaped}($|[^a-z0-9])`).test(answer.toLowerCase());
}

const NUMBER_WORDS =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split(
    " ",
  );

/** A number as a user writes it: in digits mostly, small ones at times in words. */
export function writtenNumber(random: SeededRandom, value: number, inWords = 0.12): string {
  const word = NUMBER_WORDS[value];
  return word !== undefined && random.chance(inWords) ? word : String(value);
}
