// The completion script for zsh: verbs and flags with what they do.

import type { Candidate, CompletionCase, ValueFlag } from "./completion-cases.ts";
import { completionSteps } from "./completion-cases.ts";

/** To be found as `_loci` on the `fpath`, or sourced after `compinit`. */
export function zshScript(cases: readonly CompletionCase[]): string {
  return `#compdef loci
# Completion of loci for zsh. Load it in this shell, after compinit:
#   source <(loci completions zsh)
# or for every one to come, in a folder of your fpath:
#   loci completions zsh > ~/.zfunc/_loci

_loci() {
  local loci_path="" loci_flag="" word
  local -a candidates models
  local -i index
  for ((index = 2; index < CURRENT; index++)); do
    word=\${words[index]}
    if [[ -n $loci_flag ]]; then
      loci_flag=""
      continue
    fi
    case "$loci_path:$word" in
${steps(cases)}
${valueFlagPatterns(cases)}
    esac
  done
  if [[ -n $loci_flag ]]; then
    case "$loci_path:$loci_flag" in
${valueCases(cases)}
    esac
    return
  fi
  case "$loci_path" in
${wordCases(cases)}
  esac
}

if [[ \${funcstack[1]:-} == _loci ]]; then
  _loci "$@"
else
  compdef _loci loci
fi
`;
}

function steps(cases: readonly CompletionCase[]): string {
  return completionSteps(cases)
    .map(([path, word, next]) => `      (${quote(`${path}:${word}`)}) loci_path=${quote(next)} ;;`)
    .join("\n");
}

function valueFlagPatterns(cases: readonly CompletionCase[]): string {
  return cases
    .filter(({ valueFlags }) => valueFlags.length > 0)
    .map(({ path, valueFlags }) => `      (${patterns(path, valueFlags)}) loci_flag=$word ;;`)
    .join("\n");
}

function valueCases(cases: readonly CompletionCase[]): string {
  const lines = cases.flatMap(({ path, valueFlags }) => {
    const withChoices = valueFlags.filter(({ choices }) => choices.length > 0);
    const files = valueFlags.filter(({ isPath, choices }) => isPath && choices.length === 0);
    return [
      ...withChoices.map((flag) => {
        const values = flag.choices.map((choice) => quote(choice)).join(" ");
        return `      (${patterns(path, [flag])}) compadd -- ${values} ;;`;
      }),
      ...(files.length === 0 ? [] : [`      (${patterns(path, files)}) _files ;;`]),
    ];
  });
  return lines.join("\n");
}

function wordCases(cases: readonly CompletionCase[]): string {
  return cases
    .map(
      (each) => `    (${quote(each.path)})
      if [[ \${words[CURRENT]} == -* ]]; then
        candidates=(${described(each.flags)})
        _describe -o 'option' candidates
      else
        ${plainWords(each)}
      fi
      ;;`,
    )
    .join("\n");
}

function plainWords({ verbs, words, choices }: CompletionCase): string {
  if (verbs.length > 0) {
    return `candidates=(${described(verbs)})
        _describe 'command' candidates`;
  }
  if (words === "choices") return `compadd -- ${choices.map((each) => quote(each)).join(" ")}`;
  if (words === "file") return "_files";
  if (words === "none") return ":";
  return `models=(\${(f)"$(loci models 2>/dev/null | sed -n '2,$s/ .*//p')"})
        compadd -- $models
        _files`;
}

/** \`name:description\`; colons within a name are escaped. */
function described(candidates: readonly Candidate[]): string {
  return candidates
    .map(({ name, description }) => quote(`${name.replaceAll(":", "\\:")}:${description}`))
    .join(" ");
}

function patterns(path: string, flags: readonly ValueFlag[]): string {
  return flags.flatMap(({ names }) => names.map((name) => quote(`${path}:${name}`))).join(" | ");
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
