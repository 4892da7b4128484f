// The worker processes of a `loci serve`, as the system tells: which there are, and which of them is
// at work.

import { readdirSync } from "node:fs";
import { defined } from "@loci/core";
import { parseStat, readProc } from "../measure/process-cpu.ts";

/** Ids of the children of `parentPid`. */
export function childProcesses(parentPid: number): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => statOf(pid)?.parentPid === parentPid);
}

/** Compares what each of them computes from now on. */
export class BusyWorker {
  readonly #ticksBefore: ReadonlyMap<number, number>;

  constructor(pids: readonly number[]) {
    this.#ticksBefore = new Map(pids.map((pid) => [pid, statOf(pid)?.ticks ?? 0]));
  }

  /** The one that computed most. */
  find(): number {
    const since = [...this.#ticksBefore].map(([pid, before]): readonly [number, number] => {
      return [pid, (statOf(pid)?.ticks ?? 0) - before];
    });
    const [busiest] = since.toSorted(([, one], [, other]) => other - one);
    return defined(busiest)[0];
  }
}

function statOf(pid: number): ReturnType<typeof parseStat> | null {
  const text = readProc(`/proc/${pid}/stat`);
  return text === null ? null : parseStat(text);
}
