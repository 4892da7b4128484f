// Probes a server at a fixed rate, open loop: a probe is due when the clock says so, whether or not
// the one before has been answered, and its latency counts from when it was due.

import { sleep, type Clock } from "@loci/core";
import { request, type Dispatcher } from "undici";

export interface ProbeRecord {
  readonly scheduledMs: number;
  readonly sendMs: number;
  readonly endMs: number;
  /** Null when the answer was 200. */
  readonly error: string | null;
}

export interface ProbePlan {
  readonly url: string;
  readonly perSecond: number;
  readonly dispatcher: Dispatcher;
}

/** A probe without an answer by then has failed. */
const probeTimeoutMs = 10_000;

/** Probes until `signal` aborts; resolves when every probe sent has its answer. */
export async function probeUntil(
  plan: ProbePlan,
  signal: AbortSignal,
  clock: Clock,
): Promise<readonly ProbeRecord[]> {
  const startMs = clock.nowMs();
  const pending: Promise<ProbeRecord>[] = [];
  while (!signal.aborted) {
    const scheduledMs = startMs + (1000 * pending.length) / plan.perSecond;
    await sleep(clock, Math.max(0, scheduledMs - clock.nowMs()));
    pending.push(probe(plan, scheduledMs, clock));
  }
  return Promise.all(pending);
}

async function probe(plan: ProbePlan, scheduledMs: number, clock: Clock): Promise<ProbeRecord> {
  const sendMs = clock.nowMs();
  const ended = (error: string | null): ProbeRecord => ({
    scheduledMs,
    sendMs,
    endMs: clock.nowMs(),
    error,
  });
  try {
    const { dispatcher } = plan;
    const limits = { headersTimeout: probeTimeoutMs, bodyTimeout: probeTimeoutMs };
    const response = await request(plan.url, { dispatcher, ...limits });
    await response.body.dump();
    return ended(response.statusCode === 200 ? null : `HTTP ${response.statusCode}`);
  } catch (error) {
    return ended(error instanceof Error ? error.message : "failed");
  }
}
