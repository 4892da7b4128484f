// The terminal as an argument: commands write through it, tests collect what they wrote.

export interface Output {
  out(text: string): void;
  err(text: string): void;
  /** False for pipes, for `NO_COLOR` and dumb terminals: then nothing is coloured. */
  readonly coloured: boolean;
}

export type Colour = "red" | "green" | "yellow" | "blue" | "dim" | "bold";

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
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit();
    });
  }
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    coloured: wantsColour(process.env, process.stdout.isTTY),
  };
}

/** As https://no-color.org and Node do it: NO_COLOR, then FORCE_COLOR, then the terminal. */
export function wantsColour(environment: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  if (environment["NO_COLOR"]) return false;
  const forced = environment["FORCE_COLOR"];
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  return isTerminal && environment["TERM"] !== "dumb";
}

export function paint(output: Pick<Output, "coloured">, colour: Colour, text: string): string {
  return output.coloured ? `\u001B[${colourCodes[colour]}m${text}\u001B[0m` : text;
}
