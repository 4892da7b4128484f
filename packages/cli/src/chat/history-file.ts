// What was typed in earlier chats, one line of text each, for the arrow keys. Only its owner may read
// it. It is a convenience: a file that cannot be read or written never stands in a chat's way.

import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

import { printable } from "../terminal/safe-text.ts";

/** Lines that are kept. */
export const historyLinesMax = 1_000;
const lineCharsMax = 4_096;
/** A larger file is not ours. */
const fileBytesMax = historyLinesMax * lineCharsMax * 4;
/** The file is written anew once it has so many lines more than are kept. */
const linesBeyondMax = 200;

/** `$XDG_STATE_HOME/loci/chat-history`. */
export function historyPath(environment: NodeJS.ProcessEnv): string {
  const state = environment["XDG_STATE_HOME"] || join(homedir(), ".local", "state");
  return join(state, "loci", "chat-history");
}

export class HistoryFile {
  readonly #path: string;
  #linesInFile = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Oldest first; empty when there is none. */
  load(): readonly string[] {
    const lines = this.#read();
    this.#linesInFile = lines.length;
    return lines.slice(-historyLinesMax);
  }

  /** Adds a line, unless it is empty, too long, or begins with a space (as shells do it). */
  add(line: string): void {
    const text = printable(line).replaceAll(/[\n\t]/g, " ");
    if (text.trim() === "" || text.startsWith(" ") || text.length > lineCharsMax) return;
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      appendFileSync(this.#path, `${text}\n`, { mode: 0o600 });
      this.#linesInFile++;
      if (this.#linesInFile > historyLinesMax + linesBeyondMax) this.#shorten();
    } catch {
      // A read-only home, a full disk: the chat goes on without.
    }
  }

  /** Another chat may have added lines: they are read again. */
  #shorten(): void {
    const lines = this.#read().slice(-historyLinesMax);
    const temporary = `${this.#path}.${process.pid}`;
    writeFileSync(temporary, lines.map((line) => `${line}\n`).join(""), { mode: 0o600 });
    renameSync(temporary, this.#path);
    this.#linesInFile = lines.length;
  }

  #read(): readonly string[] {
    try {
      if (statSync(this.#path).size > fileBytesMax) return [];
      const lines = readFileSync(this.#path, "utf8").split("\n");
      return lines.map((line) => printable(line).slice(0, lineCharsMax)).filter(Boolean);
    } catch {
      return [];
    }
  }
}
