// What a router knows of its workers and has done so far, for metrics and dashboards.

import type { KvTierName } from "./kv-events.ts";

export interface ClusterSnapshot {
  readonly workers: readonly ClusterWorker[];
  /** Workers that the expected load needs; null where nobody estimates it. */
  readonly workersWanted: number | null;
  /** Since the start: why requests were placed where they were. */
  readonly placements: Readonly<Record<string, number>>;
  /** Requests that went to another worker before their first token; after it. */
  readonly retries: number;
  readonly moves: number;
  /** Refused because two workers had died with them. */
  readonly quarantined: number;
  readonly workerDeaths: number;
  /** Requests that waited in the router for a worker to have room; absent: not counted. */
  readonly held?: number;
  /** Requests turned away: too many live ones, too many of one payer; absent: not counted. */
  readonly refusedFull?: number;
  readonly refusedTenant?: number;
  /** Retries that the budget did not allow, and fetches from other workers that were advised. */
  readonly retriesDenied?: number;
  readonly fetchesAdvised?: number;
  /** Prompt tokens of placed requests; of these, believed to be held where they went, by memory. */
  readonly promptTokens: number;
  readonly hitTokens: Readonly<Record<KvTierName, number>>;
}

export interface ClusterWorker {
  readonly id: string;
  readonly health: string;
  /** Live requests that this router has there. */
  readonly requests: number;
  /** All that it reports, whoever sent them; null before its first report. */
  readonly requestsRunning: number | null;
  readonly requestsWaiting: number | null;
  readonly kvBlocksTotal: number;
  readonly kvBlocksFree: number | null;
  /** Seconds that its accepted requests still need, as placements are priced; absent: not known. */
  readonly loadSeconds?: number;
  /** `loci`, or the kind of a foreign engine; absent: not known. */
  readonly engine?: string;
}
