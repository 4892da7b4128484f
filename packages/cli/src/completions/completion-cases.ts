// The command tree as the flat cases that every shell's script decides by: words so far → what may
// follow.

import type { CommandFacts, OptionFacts } from "./command-tree.ts";

export interface CompletionCase {
  /** Verbs so far, separated by spaces: "" at the program, "cache stats" below. */
  readonly path: string;
  /** Verbs that may follow. */
  readonly verbs: readonly Candidate[];
  /** Flags that may follow. */
  readonly flags: readonly Candidate[];
  /** Flags whose value is the next word. */
  readonly valueFlags: readonly ValueFlag[];
  /** What a word that is no flag may be. */
  readonly words: WordKind;
  readonly choices: readonly string[];
}

export interface Candidate {
  readonly name: string;
  readonly description: string;
}

export interface ValueFlag {
  readonly names: readonly string[];
  readonly choices: readonly string[];
  readonly isPath: boolean;
}

/** `model`: a pulled model's name or a file. */
export type WordKind = "none" | "choices" | "model" | "file";

const helpFlag: Candidate = { name: "--help", description: "show help" };

/** One case for each verb, the program's first. An alias is a path of its own. */
export function completionCases(program: CommandFacts): readonly CompletionCase[] {
  return casesOf(program, "");
}

/** Every step from a path by a word to the next path. */
export function completionSteps(
  cases: readonly CompletionCase[],
): readonly (readonly [path: string, word: string, next: string])[] {
  return cases.flatMap(({ path, verbs }) =>
    verbs.map(({ name }) => [path, name, path === "" ? name : `${path} ${name}`] as const),
  );
}

function casesOf(command: CommandFacts, path: string): readonly CompletionCase[] {
  const { commands, options } = command;
  const shown = options.filter(({ names }) => names.length > 0);
  const own: CompletionCase = {
    path,
    verbs: commands.flatMap(({ name, aliases, description }) =>
      [name, ...aliases].map((each) => ({ name: each, description })),
    ),
    flags: [...shown.flatMap((option) => flagCandidates(option)), helpFlag],
    valueFlags: shown.filter(({ takesValue }) => takesValue),
    ...wordsOf(command),
  };
  const below = commands.flatMap((each) =>
    [each.name, ...each.aliases].flatMap((name) =>
      casesOf(each, path === "" ? name : `${path} ${name}`),
    ),
  );
  return [own, ...below];
}

/** The long name only: short ones are known by those who type them. */
function flagCandidates({ names, description }: OptionFacts): readonly Candidate[] {
  const long = names.find((name) => name.startsWith("--"));
  return long === undefined || long === "--supervised" ? [] : [{ name: long, description }];
}

function wordsOf(command: CommandFacts): Pick<CompletionCase, "words" | "choices"> {
  const [first] = command.arguments;
  if (first === undefined || command.commands.length > 0) return { words: "none", choices: [] };
  if (first.choices.length > 0) return { words: "choices", choices: first.choices };
  if (first.name === "model") return { words: "model", choices: [] };
  return { words: first.name === "files" ? "file" : "none", choices: [] };
}
