// Progress of a benchmark on standard error: lines that stay, and on a terminal one below them that
// is drawn over every second, with the time so far, what is done and how long the rest may take.

import type { Clock } from "@loci/core";

/** Where progress goes. */
export interface ProgressStream {
  write(text: string): void;
  /** Null where nothing can be drawn over. */
  readonly columns: number | null;
}

const redrawMs = 1_000;

export class LiveLine {
  readonly #stream: ProgressStream;
  readonly #clock: Clock;
  readonly #startMs: number;
  #total = 0;
  #done = 0;
  #beganMs = 0;
  #lastDoneMs = 0;
  #text = "";
  #cancel: (() => void) | null = null;
  #hasEnded = false;

  constructor(stream: ProgressStream, clock: Clock) {
    this.#stream = stream;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
  }

  /** A line that stays, and what the live line says from now on. */
  note(message: string): void {
    // Servers' own words may be in it.
    const text = message.replaceAll(/\p{Cc}/gu, " ");
    this.#erase();
    this.#stream.write(`[${Math.round(this.#secondsSince(this.#startMs))} s] ${text}\n`);
    this.#text = text;
    this.#draw();
    this.#cancel ??= this.#tick();
  }

  /** So many parts follow. */
  begin(total: number): void {
    this.#total = total;
    this.#done = 0;
    this.#beganMs = this.#clock.nowMs();
    this.#draw();
    this.#cancel ??= this.#tick();
  }

  /** One part is done. */
  done(): void {
    this.#done = Math.min(this.#done + 1, this.#total);
    this.#lastDoneMs = this.#clock.nowMs();
    this.#draw();
  }

  /** Makes room for a table; drawing goes on below it. */
  pause(): void {
    this.#erase();
  }

  /** Nothing is drawn any more. */
  end(): void {
    this.#hasEnded = true;
    this.#cancel?.();
    this.#cancel = null;
    this.#erase();
  }

  #tick(): (() => void) | null {
    if (this.#stream.columns === null || this.#hasEnded) return null;
    return this.#clock.after(redrawMs, () => {
      this.#draw();
      this.#cancel = this.#tick();
    });
  }

  #draw(): void {
    const { columns } = this.#stream;
    if (columns === null || this.#hasEnded) return;
    const line = `${this.#figures()}  ${this.#text}`.slice(0, Math.max(0, columns - 1));
    this.#stream.write(`\r\u001B[2K${line}`);
  }

  #erase(): void {
    if (this.#stream.columns !== null) this.#stream.write("\r\u001B[2K");
  }

  /** `42 s, 3 of 10, about 98 s left`. */
  #figures(): string {
    const elapsed = `${Math.round(this.#secondsSince(this.#startMs))} s`;
    if (this.#total === 0) return elapsed;
    const counted = `${elapsed}, ${this.#done} of ${this.#total}`;
    if (this.#done === 0 || this.#done === this.#total) return counted;
    const eachSeconds = (this.#lastDoneMs - this.#beganMs) / 1000 / this.#done;
    const rest = eachSeconds * (this.#total - this.#done) - this.#secondsSince(this.#lastDoneMs);
    return `${counted}, about ${Math.max(0, Math.round(rest))} s left`;
  }

  #secondsSince(startMs: number): number {
    return (this.#clock.nowMs() - startMs) / 1000;
  }
}

/** Standard error. */
export function errorStream(): ProgressStream {
  const stream = process.stderr;
  return {
    write: (text) => void stream.write(text),
    get columns() {
      const isTerminal = stream.isTTY && process.env["TERM"] !== "dumb" && stream.columns > 0;
      return isTerminal ? stream.columns : null;
    },
  };
}
