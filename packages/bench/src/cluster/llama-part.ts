// The same prompts with shared prefixes before unmodified llama-servers: our router knows from what
// it sent which of them has which prefix.

import { join } from "node:path";
import type { PolicyName } from "@loci/router";
import { lociEntry, nodePath, type ServeArm } from "../load/arms.ts";
import { openaiDialect } from "../load/dialect.ts";
import { freePort, startServer, type RunningServer } from "../load/server-process.ts";
import { atMost, type Bar } from "../measure/report.ts";
import { findPeerBinary } from "../peer/peer-binary.ts";
import { measuredPolicy } from "./cluster-options.ts";
import { placementRuns, type Fleet, type PlacementCase } from "./placement-runs.ts";
import { placementTable, summarise, summaryFigures } from "./placement-report.ts";
import type { PartReport, Session } from "./session.ts";
import {
  quickSharedPrefixShape,
  sharedPrefixPlan,
  sharedPrefixShape,
} from "./shared-prefix-plan.ts";

const ttftBar = 0.5;
/** Of each llama-server; beside them it keeps prompts in host memory, as it does by default. */
const slots = 4;
const slotTokens = 2048;
/** Under way for each server. */
const requestsPerServer = 3;

export async function llamaPart(session: Session): Promise<PartReport> {
  const { options, quick, tokenIds, output } = session;
  const { workers, seed } = options;
  const binary = findPeerBinary(options.peerBinary);
  const shape = quick ? quickSharedPrefixShape : sharedPrefixShape;
  const requestsMax = workers * requestsPerServer;
  const subject: PlacementCase = {
    part: "llama",
    workers,
    requestsMax,
    plans: (pair) => sharedPrefixPlan(shape, tokenIds, seed + 1000 * pair),
    open: (policy, label) => openFleet(session, { policy, binary, label }),
  };
  const runs = await placementRuns(session, subject);
  const summaries = summarise(runs, seed);
  output.show(`llama\n${placementTable(summaries)}`);
  const measured = summaries.find(({ policy }) => policy === measuredPolicy);
  const failed = summaries.reduce((sum, each) => sum + each.failed, 0);
  const bars: Bar[] = [atMost("llama: failed requests", failed, 0, "requests")];
  if (!quick) {
    const ratio = measured?.ttft?.geometricMean ?? null;
    bars.unshift(atMost("llama: TTFT p50, seconds : round-robin", ratio, ttftBar, "x"));
  }
  const workload = { ...shape, servers: workers, slots, slotTokens, requestsMax };
  return { bars, figures: { workload, policies: summaryFigures(summaries) } };
}

interface FleetOrder {
  readonly policy: PolicyName;
  readonly binary: string;
  readonly label: string;
}

async function openFleet(session: Session, order: FleetOrder): Promise<Fleet> {
  const { options, modelPath } = session;
  await using opening = new AsyncDisposableStack();
  const servers: RunningServer[] = [];
  for (let index = 0; index < options.workers; index++) {
    servers.push(opening.use(await startEngine(session, order, index)));
  }
  const kept = opening.move();
  const urls = servers.map(({ baseUrl }) => baseUrl).join(",");
  const arm: ServeArm = {
    name: "loci",
    dialect: openaiDialect,
    command: nodePath,
    args: (port) => [
      lociEntry(),
      ...`router --worker-url ${urls} --worker-engine llama-server --port ${port}`.split(" "),
      ...`--routing-policy ${order.policy} --store none --log-level warn -m`.split(" "),
      modelPath,
    ],
  };
  return { arm, companions: servers, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function startEngine(
  { cores, output, modelPath, clock }: Session,
  { binary, label }: FleetOrder,
  index: number,
): Promise<RunningServer> {
  const port = await freePort();
  const words = `--host 127.0.0.1 --port ${port} -t 1 -tb 1 -c ${slots * slotTokens} -np ${slots}`;
  return startServer(
    {
      command: binary,
      args: [...words.split(" "), "--no-ui", "-m", modelPath],
      cores: cores.serverCores,
      port,
      logPath: join(output.folder, `${label}-engine${index}.log`),
    },
    clock,
  );
}
