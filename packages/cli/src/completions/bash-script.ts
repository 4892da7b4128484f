// The completion script for bash.

import type { CompletionCase, ValueFlag } from "./completion-cases.ts";
import { completionSteps } from "./completion-cases.ts";

/** Complete for bash 4 and later; also under `set -u`. */
export function bashScript(cases: readonly CompletionCase[]): string {
  return `# Completion of loci for bash. Load it in this shell:
#   source <(loci completions bash)
# or for every one to come:
#   loci completions bash > ~/.local/share/bash-completion/completions/loci

_loci_models() {
  loci models 2>/dev/null | sed -n '2,$s/ .*//p'
}

_loci() {
  local current=\${COMP_WORDS[COMP_CWORD]} path="" flag="" word index
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    # Bash takes --flag=value apart into three words.
    [[ $word == "=" ]] && continue
    if [[ -n $flag ]]; then
      flag=""
      continue
    fi
    case "$path:$word" in
${steps(cases)}
${valueFlagPatterns(cases)}
    esac
  done
  [[ $current == "=" ]] && current=""
  if [[ -n $flag ]]; then
    case "$path:$flag" in
${valueCases(cases)}
    esac
    return
  fi
  case "$path" in
${wordCases(cases)}
  esac
}

complete -o bashdefault -F _loci loci
`;
}

function steps(cases: readonly CompletionCase[]): string {
  return completionSteps(cases)
    .map(([path, word, next]) => `      ${quote(`${path}:${word}`)}) path=${quote(next)} ;;`)
    .join("\n");
}

function valueFlagPatterns(cases: readonly CompletionCase[]): string {
  return cases
    .filter(({ valueFlags }) => valueFlags.length > 0)
    .map(({ path, valueFlags }) => `      ${patterns(path, valueFlags)}) flag=$word ;;`)
    .join("\n");
}

function valueCases(cases: readonly CompletionCase[]): string {
  const lines = cases.flatMap(({ path, valueFlags }) => {
    const withChoices = valueFlags.filter(({ choices }) => choices.length > 0);
    const files = valueFlags.filter(({ isPath, choices }) => isPath && choices.length === 0);
    return [
      ...withChoices.map((flag) => {
        const words = quote(flag.choices.join(" "));
        return `      ${patterns(path, [flag])}) COMPREPLY=($(compgen -W ${words} -- "$current")) ;;`;
      }),
      ...(files.length === 0
        ? []
        : [`      ${patterns(path, files)}) COMPREPLY=($(compgen -f -- "$current")) ;;`]),
    ];
  });
  return lines.join("\n");
}

function wordCases(cases: readonly CompletionCase[]): string {
  return cases
    .map((each) => {
      const flags = quote(each.flags.map(({ name }) => name).join(" "));
      return `    ${quote(each.path)})
      if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W ${flags} -- "$current"))
      else
        ${plainWords(each)}
      fi
      ;;`;
    })
    .join("\n");
}

function plainWords({ verbs, words, choices }: CompletionCase): string {
  if (verbs.length > 0) {
    const names = quote(verbs.map(({ name }) => name).join(" "));
    return `COMPREPLY=($(compgen -W ${names} -- "$current"))`;
  }
  if (words === "choices")
    return `COMPREPLY=($(compgen -W ${quote(choices.join(" "))} -- "$current"))`;
  if (words === "file") return `COMPREPLY=($(compgen -f -- "$current"))`;
  if (words === "none") return ":";
  return `COMPREPLY=($(compgen -W "$(_loci_models)" -- "$current") $(compgen -f -- "$current"))`;
}

function patterns(path: string, flags: readonly ValueFlag[]): string {
  return flags.flatMap(({ names }) => names.map((name) => quote(`${path}:${name}`))).join(" | ");
}

/** Names of ours hold nothing that single quotes would not hold. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
