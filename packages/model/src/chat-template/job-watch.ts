// Watches one job of a thread that may not end by itself. What a job may use up is processor time:
// on a machine that is short of processors an honest job waits long and uses little, and it is not
// to blame. A bound on the clock's time stands behind that, generous, for whoever waits.
import type { Clock } from "@loci/core";
import type { Worker } from "node:worker_threads";

export interface JobBudget {
  /** The thread's own processor time that one job may use. */
  readonly cpuMsMax: number;
  /** The clock's time, however little of a processor the thread got. */
  readonly wallMsMax: number;
}

/** Which of the two ran out. */
export type Overrun = "cpu" | "wall";

/** Asking is cheap, but not free. */
const lookMsMin = 5;

/**
 * Calls `onOverrun` at most once, when the job that starts now has used up its budget.
 * @param cpuMsBefore what the thread had used before this job
 * @returns what stops it, once the job has ended
 */
export function watchJob(
  worker: Pick<Worker, "cpuUsage">,
  clock: Clock,
  { cpuMsMax, wallMsMax, cpuMsBefore }: JobBudget & { readonly cpuMsBefore: number },
  onOverrun: (overrun: Overrun) => void,
): () => void {
  let watching = true;
  let cancelLook = clock.after(cpuMsMax, look);
  const cancelWall = clock.after(wallMsMax, () => end("wall"));

  function stop(): void {
    watching = false;
    cancelLook();
    cancelWall();
  }

  function end(overrun: Overrun): void {
    stop();
    onOverrun(overrun);
  }

  /** It cannot have used more processor time than time has passed: the next look is that late. */
  function look(): void {
    const judge = (cpuMs: number): void => {
      if (!watching) return;
      const leftMs = cpuMsMax - (cpuMs - cpuMsBefore);
      if (leftMs <= 0) end("cpu");
      else cancelLook = clock.after(Math.max(lookMsMin, leftMs), look);
    };
    // A thread that is gone has its own way to say so; one inside a long native call says nothing.
    worker.cpuUsage().then(
      (usage) => judge(cpuMsOf(usage)),
      () => undefined,
    );
  }

  return stop;
}

/** Milliseconds, of microseconds by kind. */
export function cpuMsOf({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}
