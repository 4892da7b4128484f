// Connections to one worker. Silence on a stream is judged by whoever reads it, so no timeout of
// bodies is set here; redirects are never followed.

import { Pool } from "undici";
import type { WorkerAddress } from "../address/worker-address.ts";

export interface PoolBounds {
  readonly connectionsMax: number;
}

/** A worker that cannot be reached for so long counts as unreachable. */
const connectMsMax = 2000;
/** A worker sends the head of its answer at once. */
const headersMsMax = 5000;
/** Shorter than the worker's, so that no request meets a connection that is being closed. */
const keepAliveMs = 20_000;

export function openPool(address: WorkerAddress, { connectionsMax }: PoolBounds): Pool {
  return new Pool(address.origin, {
    connections: connectionsMax,
    pipelining: 1,
    headersTimeout: headersMsMax,
    bodyTimeout: 0,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    maxResponseSize: -1,
    connect: {
      timeout: connectMsMax,
      ...(address.socketPath !== null && { socketPath: address.socketPath }),
    },
  });
}
