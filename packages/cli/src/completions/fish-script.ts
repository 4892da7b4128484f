// The completion script for fish: verbs and flags with what they do.

import type { CompletionCase } from "./completion-cases.ts";

/** One `complete` for each thing that may be typed, on the condition that its verbs stand before. */
export function fishScript(cases: readonly CompletionCase[]): string {
  return `# Completion of loci for fish. Load it in this shell:
#   loci completions fish | source
# or for every one to come:
#   loci completions fish > ~/.config/fish/completions/loci.fish

function __loci_at --description 'whether just these verbs were typed, or these and more words'
    set --local verbs
    for word in (commandline --cut-at-cursor --current-process --tokenize)[2..]
        string match --quiet -- '-*' $word; or set --append verbs $word
    end
    set --local wanted (string split --no-empty ' ' -- $argv[2])
    if test $argv[1] = only
        test (count $verbs) -eq (count $wanted); or return 1
    else
        test (count $verbs) -ge (count $wanted); or return 1
    end
    test (count $wanted) -eq 0; or test "$verbs[1..$(count $wanted)]" = "$wanted"
end

function __loci_models
    loci models 2>/dev/null | sed -n '2,$s/ .*//p'
end

complete --command loci --no-files
${cases.map((each) => linesOf(each).join("\n")).join("\n")}
`;
}

function linesOf({ path, verbs, flags, valueFlags, words, choices }: CompletionCase): string[] {
  // Behind a verb that has verbs of its own another word would be one of those.
  const how = verbs.length > 0 ? "only" : "and-more";
  const begin = `complete --command loci --condition ${quote(`__loci_at ${how} ${quote(path)}`)}`;
  const values = new Map(valueFlags.flatMap((flag) => flag.names.map((name) => [name, flag])));
  const flagLines = flags.map(({ name, description }) => {
    const value = values.get(name);
    const kinds = [
      value === undefined ? "" : " --require-parameter",
      value?.isPath === true ? " --force-files" : "",
      value === undefined || value.choices.length === 0
        ? ""
        : ` --no-files --arguments ${quote(value.choices.join(" "))}`,
    ];
    const long = ` --long-option ${quote(name.replace(/^--/, ""))}`;
    return `${begin}${long}${kinds.join("")} --description ${quote(description)}`;
  });
  const verbLines = verbs.map(
    ({ name, description }) =>
      `${begin} --arguments ${quote(name)} --description ${quote(description)}`,
  );
  const wordLines: Readonly<Record<CompletionCase["words"], readonly string[]>> = {
    none: [],
    choices: [`${begin} --arguments ${quote(choices.join(" "))}`],
    file: [`${begin} --force-files`],
    model: [`${begin} --force-files --arguments '(__loci_models)'`],
  };
  return [...verbLines, ...wordLines[words], ...flagLines];
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", `\\'`)}'`;
}
