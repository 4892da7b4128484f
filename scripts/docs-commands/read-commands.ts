// The commands that pages show: every fenced block of shell, cut into commands as a shell would,
// without comments. A block is read by one walk over its characters that knows quotes.

export interface PageCommand {
  /** From the root of the repository. */
  readonly page: string;
  /** Of its block, counting from 1. */
  readonly line: number;
  readonly text: string;
  /** All of its block. */
  readonly block: string;
}

const fence = /^( *)```(?:sh|bash|shell|console)\n(.*?)^ *```$/gms;

/** Commands of the blocks of `markdown`, in order. */
export function readCommands(page: string, markdown: string): readonly PageCommand[] {
  return [...markdown.matchAll(fence)].flatMap((match) => {
    const [, indent = "", body = ""] = match;
    const block = body.replaceAll(new RegExp(`^${indent}`, "gm"), "");
    const line = markdown.slice(0, match.index).split("\n").length;
    return splitCommands(block).map((text) => ({ page, line, text, block }));
  });
}

/** A command goes on behind a backslash at the end of its line, and inside quotes. */
export function splitCommands(block: string): readonly string[] {
  const commands: string[] = [];
  let command = "";
  let quote = "";
  for (let at = 0; at < block.length; at++) {
    const char = block.charAt(at);
    if (char === "\\" && quote !== "'") {
      const next = block.charAt(++at);
      command += next === "\n" ? "" : char + next;
    } else if (char === "#" && quote === "" && /(?:^|\s)$/.test(command)) {
      // The line's end stays, and ends the command.
      const end = block.indexOf("\n", at);
      at = (end === -1 ? block.length : end) - 1;
    } else if (char === "\n" && quote === "") {
      commands.push(command);
      command = "";
    } else {
      command += char;
      quote = quoteAfter(quote, char);
    }
  }
  commands.push(command);
  return commands.map((text) => text.trim()).filter((text) => text !== "");
}

function quoteAfter(quote: string, char: string): string {
  if (char !== "'" && char !== '"') return quote;
  if (quote === "") return char;
  return quote === char ? "" : quote;
}
