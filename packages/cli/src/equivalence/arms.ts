// The ways in which a second turn can find its history, each with memories sized so that it is
// taken, and with what the counters must show for it to count as taken.

import type { ServiceSnapshot } from "@loci/core";
import type { EngineOptions } from "@loci/engine";

export interface Arm {
  readonly name: string;
  /** Device blocks, as a share of what all conversations of the set need together. */
  readonly deviceShare: number;
  /** Host memory, as a share of the same. */
  readonly hostShare: number;
  readonly disk: boolean;
  /** The service, its tiers and the device's memory begin anew between the two turns. */
  readonly restarts: boolean;
  /** The device's memory is overwritten between the two turns behind everybody's back. */
  readonly spoils: boolean;
  /** All second turns at once; else one after the other. */
  readonly together: boolean;
  readonly answerTokens: number;
  /** What memory is promised to who starts; `paged` promises too little. */
  readonly admission: EngineOptions["admission"];
  /** A pause after each layer of a restore, so that steps overtake it. */
  readonly layerDelayMs: number;
  /** Whether the counters of the service that answered show that the path was taken. */
  readonly wasTaken: (snapshot: ServiceSnapshot) => boolean;
}

const base = {
  deviceShare: 1.5,
  hostShare: 0,
  disk: false,
  restarts: false,
  spoils: false,
  together: false,
  answerTokens: 12,
  admission: "predicted",
  layerDelayMs: 0,
} as const;

/** Tokens of the reference: as many as the longest answer of an arm. */
export const referenceTokens = 72;

export const arms: readonly Arm[] = [
  { ...base, name: "device hit", wasTaken: ({ cachedTokens }) => cachedTokens > 0 },
  { ...base, name: "host hit", deviceShare: 0.3, hostShare: 1.5, wasTaken: restoredFrom("host") },
  { ...base, name: "disk hit", deviceShare: 0.3, disk: true, wasTaken: restoredFrom("disk") },
  {
    ...base,
    name: "disk hit, overtaken",
    deviceShare: 0.3,
    disk: true,
    layerDelayMs: 1,
    wasTaken: restoredFrom("disk"),
  },
  {
    ...base,
    name: "hole recomputed",
    deviceShare: 0.55,
    wasTaken: ({ kvDevice }) => (kvDevice?.recomputedTokens ?? 0) > 0,
  },
  {
    ...base,
    name: "after restart",
    disk: true,
    restarts: true,
    wasTaken: restoredFrom("disk"),
  },
  {
    ...base,
    name: "after preemption",
    deviceShare: 0.2,
    together: true,
    answerTokens: referenceTokens,
    admission: "paged",
    wasTaken: ({ preemptions }) => preemptions > 0,
  },
  {
    ...base,
    name: "all tiers at once",
    deviceShare: 0.3,
    hostShare: 0.8,
    disk: true,
    together: true,
    answerTokens: 24,
    wasTaken: (snapshot) => restoredFrom("host")(snapshot) && restoredFrom("disk")(snapshot),
  },
];

/** What must not agree: the device holds something else than the engine believes. */
export const spoilingArm: Arm = {
  ...base,
  name: "spoilt",
  spoils: true,
  wasTaken: ({ cachedTokens }) => cachedTokens > 0,
};

export function restoredTokens({ kvTiers = [] }: ServiceSnapshot, name: string): number {
  return kvTiers.find((tier) => tier.name === name)?.restoredTokens ?? 0;
}

function restoredFrom(name: string): (snapshot: ServiceSnapshot) => boolean {
  return (snapshot) => restoredTokens(snapshot, name) > 0;
}
