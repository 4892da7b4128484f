// The text of docs/cli.md: every verb with its words and flags, read off the program itself, between
// what has to be said about all of them.

import { namedSettings } from "@loci/core";

import { commandTree } from "../completions/command-tree.ts";
import type { CommandFacts, OptionFacts } from "../completions/command-tree.ts";
import { exitCodeRows } from "../exit-codes.ts";
import { buildProgram } from "../program.ts";

/** The whole page; a test holds the committed file to it. */
export function manualPage(): string {
  const silent = { out: () => {}, err: () => {}, coloured: false };
  const program = commandTree(buildProgram(silent, () => async () => {}, silent));
  const verbs = leaves(program, "").map((leaf) => verbSection(leaf));
  const parts = [
    introduction,
    exitCodeTable(),
    jsonChapter + markdownTable(["Verb", "Shape"], jsonShapes),
    chapters,
    `## Verbs\n\n${overview(program)}`,
    ...verbs,
  ];
  return parts.join("\n");
}

const introduction = `# The command line

<!-- Written by \`node scripts/generate-docs.ts\` from the program's own verbs and flags. -->

\`loci VERB --help\` shows what a verb takes. Settings are flags, environment variables or keys of a file; they are listed in
[configuration.md](configuration.md), and every verb that is said to take the settings takes all of them.

- Results go to standard output; progress, logs and errors go to standard error. Where standard error is no terminal, progress is
  a plain line now and then instead of a bar.
- \`--no-color\`, or \`NO_COLOR\` in the environment, turns colours off; \`FORCE_COLOR\` turns them on for pipes.
- On a terminal no control character of a model's answer, a file or a server gets through: only loci's own colours.
- A wrong flag or verb is answered with the nearest right one. Other servers' flags (\`-np\`, \`--max-model-len\`, …) are understood.
- Verbs that talk with a server find it at \`--url\`, else where \`--host\` and \`--port\` (or their environment variables) say, and take
  its key from \`--api-key\`.
- \`source <(loci completions bash)\` completes verbs, flags and models; there are scripts for zsh and fish, too.

## Exit codes
`;

function exitCodeTable(): string {
  const rows = exitCodeRows().map(([exitCode, meaning]) => [`${exitCode}`, meaning]);
  return markdownTable(["Code", "Meaning"], rows);
}

const jsonChapter = `## JSON for programs

\`--json\` makes a verb print its result as one JSON object on one line, with these shapes; a field may be added, none is taken away.
An error is one line on standard error: \`{"error":{"code","message","remedy"}}\`, where \`code\` is one of the API's error codes and
\`remedy\` may be null.

`;

const jsonShapes: readonly (readonly [verbs: string, shape: string])[] = [
  ["`cache stats, explain`", "as the server's `/v1/cache` answers"],
  [
    "`cache ls`",
    "a list of chains: `tokens`, `by_tier`, `idle_seconds`, `first_text`, `last_text`",
  ],
  ["`cache rm`", '`{"blocks"}`'],
  [
    "`chat`, `run`",
    "events, one in each line: `start` (`model`), `text` (`text`), `end` (`finish_reason`, `prompt_tokens`, `cached_tokens`, `answer_tokens`, `seconds`, `first_text_seconds`, `tokens_per_second`)",
  ],
  ["`config print`", 'flag → `{"value","origin"}`'],
  ["`config check`", '`{"valid":true}`'],
  ["`doctor`", '`{"ok","checks":[{"name","status","detail","remedy"}]}`'],
  ["`inspect`", "everything that is known of the file"],
  ["`models`", '`{"models":[{"name","reference","path","bytes"}]}`'],
  ["`ps`", "one look, as `GET /loci/live` sends it"],
  ["`pull`, `rm`", '`{"name","reference","path","bytes"}`'],
  [
    "`sessions ls`",
    '`{"sessions":[{"id","title","createdUnixSeconds","updatedUnixSeconds","items"}],"hasMore"}`',
  ],
  [
    "`sessions show`, `export`",
    '`{"format":"loci-conversation","version":1,"title","messages":[{"role","texts"}]}`; a list of them for `export`',
  ],
  ["`sessions rm`, `import`", '`{"removed":[id]}`, `{"imported":[{"id","title"}]}`'],
  ["`simulate …`", "the figures of its tables"],
  ["`bench …`", 'the last line of standard output: `{"benchmark","met","bars","figures"}`'],
  ["`version`", '`{"version","node","platform","architecture"}`'],
];

const chapters = `## Talking in the terminal

\`loci chat\` starts the model, or talks with a running server by \`--url\`. The arrow keys find earlier lines, the tabulator completes
commands, \`/help\` lists them; a line that ends in \`\\\` goes on on the next, three quotes hold several lines, and pasted lines stay
together. Ctrl+C stops an answer and keeps what came of it; Ctrl+D leaves. Below each answer stands how fast it came and how much
of its prompt was cached.

Typed lines are kept in \`$XDG_STATE_HOME/loci/chat-history\` (\`~/.local/state\` when it is not set; readable by you alone, the last
1,000 lines), except those that begin with a space. \`--no-history\` neither reads nor writes it.

\`loci run MODEL "prompt"\` answers once. What is piped in stands below the prompt, or is the prompt:
\`loci run MODEL "Summarise this:" < notes.txt\`. Standard output is the answer alone.

## Reports of benchmarks

\`loci bench NAME\` keeps everything under \`results/\` or in the folder that \`--out\` names: \`report.json\` with figures, bars and the machine;
raw records, one JSON object in each line (\`*.jsonl\`); and plots (\`*.svg\`) of its tables, of latencies as cumulative curves, and of
all figures over the bars they must meet. The paths are printed at the end. On a terminal the last line says what is done and how
long the rest may take. \`loci bench --help\` lists the benchmarks; [benchmarks.md](benchmarks.md) says what they measure.
`;

interface Leaf {
  readonly path: string;
  readonly facts: CommandFacts;
}

/** Verbs that do something, in the order of the help. */
function leaves(command: CommandFacts, path: string): readonly Leaf[] {
  return command.commands.flatMap((each) => {
    const below = path === "" ? each.name : `${path} ${each.name}`;
    return each.commands.length === 0 ? [{ path: below, facts: each }] : leaves(each, below);
  });
}

function overview(program: CommandFacts): string {
  const rows = leaves(program, "").map(({ path, facts }) => [
    `[\`loci ${path}\`](#loci-${path.replaceAll(" ", "-")})`,
    facts.description,
  ]);
  return markdownTable(["Verb", "What it does"], rows);
}

function verbSection({ path, facts }: Leaf): string {
  const { aliases, description, usage, options } = facts;
  const names =
    aliases.length === 0 ? "" : ` Also ${aliases.map((each) => code(each)).join(", ")}.`;
  const own = options.filter(({ isHidden, names: [name] }) => !isHidden && !isSetting(name));
  const takesSettings = options.some(({ names: [name] }) => isSetting(name));
  const note = takesSettings ? "\nTakes the [settings](configuration.md).\n" : "";
  const rows = own.map((option) => [code(option.flags), escapeCell(option.description)]);
  const flags = rows.length === 0 ? "" : `\n${markdownTable(["Flag", "Meaning"], rows)}`;
  const line = `loci ${path} ${usage}`.trimEnd();
  return `### loci ${path}\n\n${description}${names}\n\n\`\`\`text\n${line}\n\`\`\`\n${note}${flags}`;
}

const settingFlags: ReadonlySet<string> = new Set(
  namedSettings.flatMap(({ setting }) => [`--${setting.flag}`, `--no-${setting.flag}`]),
);

function isSetting(name: OptionFacts["names"][number] | undefined): boolean {
  return name !== undefined && settingFlags.has(name);
}

/** Columns are padded as the formatter would pad them. */
function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  return `${[line(head), rule, ...rows.map((row) => line(row))].join("\n")}\n`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|");
}
