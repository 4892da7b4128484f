// The commands of a chat, said once: for help, for completion and for what reads them.

export type ChatCommandName = "system" | "reset" | "retry" | "undo" | "set" | "exit" | "help";

/** What may be typed instead of a message. */
interface ChatCommand {
  readonly name: ChatCommandName;
  /** Also understood. */
  readonly aliases: readonly string[];
  readonly argument: string;
  readonly description: string;
}

const chatCommands: readonly ChatCommand[] = [
  {
    name: "system",
    aliases: [],
    argument: "TEXT",
    description: "set the system message and start again (without TEXT: remove it)",
  },
  { name: "reset", aliases: ["clear"], argument: "", description: "forget the conversation" },
  { name: "retry", aliases: [], argument: "", description: "answer the last message once more" },
  { name: "undo", aliases: [], argument: "", description: "take back the last message and answer" },
  {
    name: "set",
    aliases: [],
    argument: "NAME VALUE",
    description: "temperature or max-tokens for what follows (without VALUE: the default)",
  },
  { name: "exit", aliases: ["quit", "bye"], argument: "", description: "leave (or Ctrl+D)" },
  { name: "help", aliases: ["?"], argument: "", description: "show this" },
];

export type SettableName = "temperature" | "max-tokens";

export const settableNames: readonly SettableName[] = ["temperature", "max-tokens"];

/** What `/help` shows. */
export function chatHelp(): string {
  const usages = chatCommands.map(({ name, argument }) => `/${name} ${argument}`.trimEnd());
  const width = Math.max(...usages.map((usage) => usage.length));
  const lines = chatCommands.map(
    ({ description }, index) => `${(usages[index] ?? "").padEnd(width)}  ${description}`,
  );
  return `${lines.join("\n")}
Ctrl+C stops an answer. Pasted lines stay together; to type several lines end each with \\,
or put """ before the first and after the last.
`;
}

/** The command that a name or an alias means; null for anything else. */
export function chatCommandNamed(word: string): ChatCommandName | null {
  const found = chatCommands.find(({ name, aliases }) => name === word || aliases.includes(word));
  return found?.name ?? null;
}

/** For the tabulator: what a line that begins a command may go on as, and the part it replaces. */
export function completeCommand(line: string): [completions: string[], replaced: string] {
  const setting = /^\/set (\S*)$/.exec(line);
  if (setting) {
    const begun = setting[1] ?? "";
    return [
      settableNames.filter((name) => name.startsWith(begun)).map((name) => `${name} `),
      begun,
    ];
  }
  if (!/^\/\w*$/.test(line)) return [[], line];
  const found = chatCommands.filter(({ name }) => `/${name}`.startsWith(line));
  return [found.map(({ name, argument }) => `/${name}${argument === "" ? "" : " "}`), line];
}
