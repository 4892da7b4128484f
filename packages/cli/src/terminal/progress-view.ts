// Draws a download's progress on standard error: over one line of a terminal, as separate lines
// elsewhere. Drawing is limited in rate, so that a fast transfer is not slowed by its own report.

import type { Clock } from "@loci/core";
import { ProgressMeter, progressLine } from "./progress-meter.ts";
import { oneLine } from "./safe-text.ts";
import { formatBytes } from "./units.ts";

const redrawMs = 100;
const lineMs = 15_000;
const labelCharsMax = 100;

/** Where progress is written. */
export interface ProgressTerminal {
  write(text: string): void;
  /** Null where lines cannot be drawn over. */
  readonly columns: number | null;
}

export interface ProgressReport {
  /** `bytes` of the whole are there. */
  received(bytes: number): void;
  /** `bytes` of the whole are checked. */
  verified(bytes: number): void;
  /** Something worth a line of its own. */
  note(reason: string): void;
  /** The last state stays on the screen. */
  end(): void;
}

export class ProgressView implements ProgressReport {
  readonly #terminal: ProgressTerminal;
  readonly #clock: Clock;
  readonly #label: string;
  readonly #meter: ProgressMeter;
  #drawnMs: number | null = null;
  #isOpen = false;
  #isVerifying = false;

  constructor(terminal: ProgressTerminal, clock: Clock, file: { label: string; bytes: number }) {
    this.#terminal = terminal;
    this.#clock = clock;
    // Names of files come from elsewhere, as do the reasons of notes.
    this.#label = oneLine(file.label, labelCharsMax);
    this.#meter = new ProgressMeter(file.bytes);
    terminal.write(`Pulling ${this.#label} (${formatBytes(file.bytes)})\n`);
  }

  received(bytes: number): void {
    const nowMs = this.#clock.nowMs();
    this.#meter.add({ bytes, nowMs });
    this.#isVerifying = false;
    this.#draw(nowMs, bytes >= this.#meter.bytesTotal);
  }

  verified(bytes: number): void {
    const { columns } = this.#terminal;
    if (this.#isVerifying || bytes === 0) return;
    this.#isVerifying = true;
    if (columns !== null) this.#overwrite("Checking the checksum", columns);
  }

  note(reason: string): void {
    const { columns } = this.#terminal;
    const text = oneLine(reason);
    if (columns === null) this.#terminal.write(`${this.#label}: ${text}\n`);
    else {
      this.#overwrite(text, columns);
      this.#terminal.write("\n");
      this.#isOpen = false;
    }
  }

  end(): void {
    if (this.#isOpen) this.#terminal.write("\n");
    this.#isOpen = false;
  }

  #draw(nowMs: number, isLast: boolean): void {
    const { columns } = this.#terminal;
    const pauseMs = columns === null ? lineMs : redrawMs;
    if (!isLast && this.#drawnMs !== null && nowMs - this.#drawnMs < pauseMs) return;
    this.#drawnMs = nowMs;
    if (columns === null) {
      this.#terminal.write(`${this.#label}: ${progressLine(this.#meter, 80)}\n`);
    } else {
      this.#overwrite(progressLine(this.#meter, columns), columns);
    }
  }

  #overwrite(text: string, columns: number): void {
    this.#terminal.write(`\r\u001B[2K${text.slice(0, Math.max(0, columns - 1))}`);
    this.#isOpen = true;
  }
}

/** Progress goes to standard error, so that standard output stays what was asked for. */
export function errorTerminal(): ProgressTerminal {
  const stream = process.stderr;
  return {
    write: (text) => void stream.write(text),
    get columns() {
      const isTerminal = stream.isTTY && process.env["TERM"] !== "dumb";
      return isTerminal ? stream.columns : null;
    },
  };
}
