// Of a server's worker processes the one that computes: who has to die in the midst of an answer.

import { readdirSync, readFileSync } from "node:fs";

/** Processor time of each child of `pid` so far, in ticks. Linux. */
export function childTicks(pid: number): ReadonlyMap<number, number> {
  const ticks = new Map<number, number>();
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const children = readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ");
    for (const child of children.filter((one) => one.trim() !== "").map(Number)) {
      ticks.set(child, ticksOf(child));
    }
  }
  return ticks;
}

/** The child that has worked most since `before`. Throws when there is none. */
export function busiestChild(pid: number, before: ReadonlyMap<number, number>): number {
  const worked = [...childTicks(pid)].map(
    ([child, ticks]) => [child, ticks - (before.get(child) ?? 0)] as const,
  );
  const [busiest] = worked.toSorted(([, left], [, right]) => right - left);
  if (busiest === undefined) throw new Error("The server has no workers.");
  return busiest[0];
}

function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // After the name in parentheses, which may hold anything: user and system time are fields 14, 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
