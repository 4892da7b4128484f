// The terminal as an argument: commands write through it, tests collect what they wrote.

import { terminalSafe } from "./terminal/safe-text.ts";

export interface Output {
  out(text: string): void;
  err(text: string): void;
  /** Standard output. False for pipes, for `NO_COLOR` and dumb terminals: nothing is coloured. */
  readonly coloured: boolean;
  /** Characters in a line of standard output; null or absent where it is no terminal. */
  readonly columns?: number | null;
  /** The same two for standard error; absent = not coloured, no terminal. */
  readonly errorsColoured?: boolean;
  readonly errorColumns?: number | null;
}

export type Colour = "red" | "green" | "yellow" | "blue" | "dim" | "bold";

/** `terminalSafe` lets just these pass. */
const colourCodes: Readonly<Record<Colour, number>> = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
};

/** The process's own streams. A reader that went away ends the process quietly. */
export function processOutput(): Output {
  const { stdout, stderr, env } = process;
  for (const stream of [stdout, stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit();
    });
  }
  return {
    out: (text) => void stdout.write(stdout.isTTY ? terminalSafe(text) : text),
    err: (text) => void stderr.write(stderr.isTTY ? terminalSafe(text) : text),
    coloured: wantsColour(env, stdout.isTTY),
    get columns() {
      return columnsOf(stdout);
    },
    errorsColoured: wantsColour(env, stderr.isTTY),
    get errorColumns() {
      return columnsOf(stderr);
    },
  };
}

/** The same output for `--no-color`. */
export function withoutColour(output: Output): Output {
  const { columns = null, errorColumns = null } = output;
  return {
    out: (text) => output.out(text),
    err: (text) => output.err(text),
    coloured: false,
    columns,
    errorsColoured: false,
    errorColumns,
  };
}

/** As https://no-color.org and Node do it: NO_COLOR, then FORCE_COLOR, then the terminal. */
export function wantsColour(environment: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  if (environment["NO_COLOR"]) return false;
  const forced = environment["FORCE_COLOR"];
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  return isTerminal && environment["TERM"] !== "dumb";
}

/** For standard output. */
export function paint(output: Pick<Output, "coloured">, colour: Colour, text: string): string {
  return output.coloured ? `\u001B[${colourCodes[colour]}m${text}\u001B[0m` : text;
}

/** For standard error. */
export function paintError(
  { errorsColoured = false }: Pick<Output, "errorsColoured">,
  colour: Colour,
  text: string,
): string {
  return paint({ coloured: errorsColoured }, colour, text);
}

function columnsOf(stream: NodeJS.WriteStream): number | null {
  // Pipes and files have no width; some consoles without a size say 0.
  return stream.isTTY && stream.columns > 0 ? stream.columns : null;
}
