// `bench cluster`: many workers as real processes. Where the router puts requests, against
// round-robin; and what clients see when workers are killed or stand still.

import type { Command } from "commander";
import { LociError, type Clock } from "@loci/core";
import { openOutput } from "../measure/output.ts";
import { pinSelf, planCores } from "../measure/pinning.ts";
import { atLeast, type Bar, type Figure } from "../measure/report.ts";
import { tokenIdRange } from "../model-files/bench-models.ts";
import { findPeerBinary } from "../peer/peer-binary.ts";
import { findTieredModel, kvBytesPerToken } from "../tiered/tiered-model.ts";
import {
  partNames,
  withClusterOptions,
  type ClusterOptions,
  type PartName,
} from "./cluster-options.ts";
import { failoverPart, stallPart } from "./interrupt-parts.ts";
import { llamaPart } from "./llama-part.ts";
import { multiturnPart } from "./multiturn-part.ts";
import type { PartReport, Session } from "./session.ts";
import { sharedPart } from "./shared-part.ts";
import { wfailPart } from "./wfail-part.ts";

const partOf: Readonly<Record<PartName, (session: Session) => Promise<PartReport>>> = {
  shared: sharedPart,
  multiturn: multiturnPart,
  llama: llamaPart,
  failover: failoverPart,
  stall: stallPart,
  wfail: wfailPart,
};

export function registerCluster(program: Command, clock: Clock): void {
  const command = program
    .command("cluster")
    .description("several workers: routing against round-robin, killed and stopped workers");
  withClusterOptions(command).action(async (options: ClusterOptions) => {
    await clusterBench(options, clock);
  });
}

async function clusterBench(options: ClusterOptions, clock: Clock): Promise<void> {
  const session = openSession(options, clock);
  const { output } = session;
  const bars: Bar[] = [];
  const figures: Record<string, Figure> = { workers: options.workers };
  for (const name of chosenParts(options)) {
    const report = await partReport(name, session);
    bars.push(...report.bars);
    figures[name] = report.figures;
  }
  output.finish({ benchmark: "cluster", bars, figures });
}

/** A part that breaks off misses its bar, and does not take the others with it. */
async function partReport(name: PartName, session: Session): Promise<PartReport> {
  try {
    return await partOf[name](session);
  } catch (error) {
    if (!(error instanceof LociError)) throw error;
    session.output.progress(`${name} broke off: ${error.message}`);
    return { bars: [atLeast(`${name}: measured`, null, 1, "part")], figures: { code: error.code } };
  }
}

/** What cannot run is known before anything has run. */
function chosenParts({ parts, quick, peerBinary }: ClusterOptions): readonly PartName[] {
  // Without being asked, the quick form takes only what needs no other program.
  const chosen = parts ?? partNames.filter((name) => quick !== true || name !== "llama");
  if (chosen.includes("llama")) findPeerBinary(peerBinary);
  return chosen;
}

function openSession(options: ClusterOptions, clock: Clock): Session {
  const output = openOutput("cluster", options, clock);
  const quick = options.quick === true;
  const planned = planCores(1);
  // The quick form runs beside other tests, wherever there is room.
  const cores = quick ? { ...planned, serverCores: null, clientCores: null } : planned;
  if (!quick) pinSelf(cores.clientCores);
  const modelPath = findTieredModel(options.model, output.progress);
  return {
    options,
    output,
    cores,
    modelPath,
    tokenIds: tokenIdRange(modelPath),
    bytesPerToken: kvBytesPerToken(modelPath),
    quick,
    clock,
  };
}
