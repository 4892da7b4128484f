// A cluster of one machine: worker processes under supervision, and a router in front of them in the
// server's own process. What goes wrong in native code costs a worker, never the server.

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { systemClock } from "@loci/core";
import type { Config, ConfigSources } from "@loci/core";
import { ClusterKey, Supervisor } from "@loci/cluster";
import { codecOptions } from "@loci/host";
import { loadCodec } from "@loci/model";
import { noTracer } from "@loci/telemetry";
import type { Tracer } from "@loci/telemetry";

import { openRouter, routedBackend } from "../router/open-router.ts";
import type { Backend } from "./backend.ts";
import { erasuresHere } from "./erasures-here.ts";
import { findModel } from "./find-model.ts";
import type { Logger } from "./logger.ts";
import { planWorkers } from "./worker-plan.ts";

const mainPath = fileURLToPath(new URL("../main.ts", import.meta.url));
const keyBytes = 32;

interface Orders {
  readonly config: Config;
  readonly flags: ConfigSources["flags"];
  readonly logger: Logger;
  /** Of the workers' sockets; null where there are none. */
  readonly folder: string | null;
  readonly key: string;
}

/** Opens the backend for settings given as `flags`, which the workers are given, too. */
export function clusterBackend(
  flags: ConfigSources["flags"],
): (config: Config, logger: Logger, signal?: AbortSignal, tracer?: Tracer) => Promise<Backend> {
  return async (config, logger, signal, tracer = noTracer) => {
    // Pulls the model where it is missing: once, not once for each worker.
    const options = await codecOptions(config, { findModel, signal });
    const folder = process.platform === "win32" ? null : await mkdtemp(join(tmpdir(), "loci-"));
    const key = randomBytes(keyBytes).toString("hex");
    const supervisor = supervise({ config, flags, logger, folder, key });
    const routed = openRouter(config, {
      key: new ClusterKey(key),
      directories: [supervisor],
      logger,
      tracer,
      onHealth: (workerId, health) => supervisor.noteHealth(workerId, health),
    });
    const close = async (): Promise<void> => {
      await routed.cluster.close();
      await supervisor.stop(0);
      if (folder !== null) await rm(folder, { recursive: true, force: true });
    };
    try {
      const codec = await loadCodec(options);
      await supervisor.started;
      const parts = { name: null, workers: config.workers, close };
      return {
        ...(await routedBackend(routed, codec, parts)),
        keepErasures: (log) => routed.cluster.service.keepErasures(erasuresHere(log, config)),
      };
    } catch (error) {
      await close();
      throw error;
    }
  };
}

function supervise({ config, flags, logger, folder, key }: Orders): Supervisor {
  return new Supervisor({
    command: [process.execPath, mainPath, "worker", "--supervised"],
    environment: process.env,
    workers: planWorkers(config, flags, folder),
    key,
    clock: systemClock,
    onState: (workerId, state, detail) => {
      const isTrouble = state === "restarting" || state === "failing";
      logger[isTrouble ? "error" : "debug"]({ workerId, detail }, `worker ${state}`);
    },
    onLine: (_workerId, line) => process.stderr.write(`${line}\n`),
  });
}
