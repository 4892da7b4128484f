// What a process tree costs, from /proc: seconds of processor time and peak resident memory.
// Other systems have no /proc; there the figures are null and say so.

import { readdirSync, readFileSync } from "node:fs";

export interface TreeCost {
  /** User and system time of the tree, children that ended included. */
  readonly cpuSeconds: number;
  /** Sum over the live processes of the largest resident size each one had. */
  readonly peakResidentBytes: number;
}

/** Linux reports times in these units whatever the kernel's own tick is. */
const ticksPerSecond = 100;

/** The cost so far of `rootPid` and its descendants; null without /proc or process. */
export function treeCost(rootPid: number): TreeCost | null {
  const root = readStat(rootPid);
  if (root === null) return null;
  let ticks = 0;
  let peakResidentBytes = 0;
  for (const stat of descendants(root)) {
    ticks += stat.ticks;
    peakResidentBytes += peakResident(stat.pid);
  }
  return { cpuSeconds: ticks / ticksPerSecond, peakResidentBytes };
}

interface ProcessStat {
  readonly pid: number;
  readonly parentPid: number;
  readonly ticks: number;
}

function descendants(root: ProcessStat): readonly ProcessStat[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== null);
  const tree = [root];
  for (let index = 0; index < tree.length; index++) {
    const parent = tree[index]?.pid;
    tree.push(...all.filter((stat) => stat.parentPid === parent));
  }
  return tree;
}

function readStat(pid: number): ProcessStat | null {
  const text = readProc(`/proc/${pid}/stat`);
  return text === null ? null : parseStat(text);
}

/** Parses a line of /proc/<pid>/stat. The command may hold spaces and brackets. */
export function parseStat(text: string): ProcessStat {
  const pid = Number(text.slice(0, text.indexOf(" ")));
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  // Fields 4, and 14 to 17 (own and waited-for children's user and system time).
  const times = fields.slice(11, 15).map(Number);
  return {
    pid,
    parentPid: Number(fields[1]),
    ticks: times.reduce((sum, value) => sum + value, 0),
  };
}

function peakResident(pid: number): number {
  const text = readProc(`/proc/${pid}/status`);
  const kilobytes = text === null ? undefined : /^VmHWM:\s+(\d+) kB$/m.exec(text)?.[1];
  return kilobytes === undefined ? 0 : Number(kilobytes) * 1024;
}

/** Null when the file is not there: another system, or a process that has just ended. */
export function readProc(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
