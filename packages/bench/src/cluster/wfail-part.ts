// Clients with a hundred requests each while one of the workers is killed: none of them may fail.

import { Random } from "@loci/core";
import { runWorkload } from "../load/run-workload.ts";
import { atLeast, atMost, shortNumber } from "../measure/report.ts";
import { percentile } from "../measure/statistics.ts";
import { ClusterServer } from "./cluster-server.ts";
import { lociFleetArm } from "./loci-fleet.ts";
import type { PartReport, Session } from "./session.ts";
import { sharedPrefixPlan } from "./shared-prefix-plan.ts";

const clients = 8;
const requestsPerClient = 100;
const quickRequestsPerClient = 5;
const poolTokens = 8192;
const contextTokens = 512;
const deadlineMs = 15 * 60_000;

export async function wfailPart(session: Session): Promise<PartReport> {
  const { options, output, quick, tokenIds, clock } = session;
  const { workers, seed } = options;
  const arm = lociFleetArm(session, { policy: "seconds", workers, poolTokens, contextTokens });
  await using server = await ClusterServer.start(session, arm, "wfail");
  const total = clients * (quick ? quickRequestsPerClient : requestsPerClient);
  const groups = total / clients;
  const shape = { groups, groupsAtOnce: clients, promptsPerGroup: clients };
  const lengths = { systemTokens: 96, questionTokens: 32, answerTokens: 32 };
  const plans = sharedPrefixPlan({ ...shape, ...lengths }, tokenIds, seed);
  const random = new Random(seed);
  const killAfter = random.integer(Math.floor(0.1 * total), Math.floor(0.9 * total));
  const busy = server.watchWorkers();
  let done = 0;
  let killedMs: number | null = null;
  const records = await runWorkload(server.target, {
    model: server.model,
    plans,
    requestsMax: clients,
    deadlineMs,
    onRequest: () => {
      if (++done !== killAfter) return;
      // In the midst of what the other clients wait for.
      clock.after(random.integer(0, 20), () => {
        killedMs = clock.nowMs();
        process.kill(busy.find(), "SIGKILL");
      });
    },
  });
  const failed = records.filter(({ error }) => error !== null);
  const endToEnd = records.map(({ sendMs, endMs }) => endMs - sendMs);
  const metrics = await server.metrics();
  const count = (name: string): number => metrics.get(`loci_router_${name}_total`) ?? 0;
  output.show(
    `wfail: ${total} requests of ${clients} clients, a worker killed after ${killAfter}: ` +
      `${failed.length} failed, ${count("moves")} answers and ${count("retries")} requests moved, ` +
      `end to end p50 ${shortNumber(percentile(endToEnd, 0.5))}, ` +
      `most ${shortNumber(percentile(endToEnd, 1))} ms` +
      (failed[0] === undefined ? "" : ` (${failed[0].error})`),
  );
  return {
    bars: [
      atMost("wfail: failed requests", total - records.length + failed.length, 0, "requests"),
      atLeast(
        "wfail: workers killed",
        killedMs === null ? 0 : count("worker_deaths"),
        1,
        "workers",
      ),
    ],
    figures: {
      requests: total,
      killAfter,
      failed: failed.length,
      moves: count("moves"),
      retries: count("retries"),
      endToEndMsP50: percentile(endToEnd, 0.5),
      endToEndMsMost: percentile(endToEnd, 1),
    },
  };
}
