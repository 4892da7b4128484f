// Every bound of a worker's endpoints, by name.

export interface WorkerLimits {
  readonly connectionsMax: number;
  /** Answers under way; further ones are refused with queue_full. */
  readonly answersMax: number;
  /** Event streams, and as many trunks, i.e. routers. */
  readonly eventStreamsMax: number;
  /** Longest silence on a stream. */
  readonly pingMs: number;
  /** How long a reader may leave its stream lying before it is cut. */
  readonly slowReaderMs: number;
  /** Longest time between two load reports, and shortest. */
  readonly reportMs: number;
  readonly reportMsMin: number;
  /** An engine that has requests and makes no step for so long counts as broken. */
  readonly stuckMsMax: number;
  /** A worker that ends waits until nobody has fetched its blocks for so long. */
  readonly lingerMs: number;
  /** Blocks are fetched from another worker for so long at most; then they are computed. */
  readonly fetchMsMax: number;
  /** Time to receive a whole request. */
  readonly requestTimeoutMs: number;
}

export const workerLimitDefaults: WorkerLimits = {
  connectionsMax: 8192,
  answersMax: 4096,
  eventStreamsMax: 64,
  pingMs: 500,
  slowReaderMs: 30_000,
  reportMs: 500,
  reportMsMin: 50,
  stuckMsMax: 60_000,
  lingerMs: 1000,
  fetchMsMax: 10_000,
  requestTimeoutMs: 30_000,
};
