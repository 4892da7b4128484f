// The processes that a process has started, as Linux tells.

import { readdirSync, readFileSync } from "node:fs";

import { assert } from "@loci/core";

/** Ids of the living children of `parent`. */
export function childProcesses(parent: number | undefined): number[] {
  assert(parent !== undefined, "the parent was started");
  const ids = readdirSync("/proc").map(Number).filter(Number.isInteger);
  return ids.filter((id) => {
    const stat = statOf(id);
    return stat !== null && stat.parent === parent && stat.state !== "Z";
  });
}

/** Processor time of a process so far, in the system's ticks; 0 when it is gone. */
export function processorTicks(id: number): number {
  return statOf(id)?.ticks ?? 0;
}

interface Stat {
  readonly state: string;
  readonly parent: number;
  readonly ticks: number;
}

function statOf(id: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${id}/stat`, "utf8");
    // The name, in parentheses, may hold anything.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    return { state: fields[0] ?? "", parent: Number(fields[1]), ticks };
  } catch {
    return null;
  }
}
