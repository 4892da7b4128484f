// What became of blocks, in words, and how much of it there was lately.

import type { Happening, HappeningKind, KvTierName } from "@loci/core";
import type { LoggedHappening } from "../../live/happening-log.ts";
import { plural } from "../../live/plural.ts";

/** A group of kinds that a reader may want to see alone. */
export type HappeningGroup = "moves" | "losses" | "rescues";

interface KindWords {
  readonly group: HappeningGroup;
  readonly mark: string;
  readonly verb: string;
  /** Before the memory's name. */
  readonly preposition: string;
}

const words: Readonly<Record<HappeningKind, KindWords>> = {
  copied: { group: "moves", mark: "↓", verb: "Copied", preposition: "to" },
  restored: { group: "moves", mark: "↑", verb: "Restored", preposition: "from" },
  moved_in: { group: "moves", mark: "→", verb: "Fetched", preposition: "from another worker to" },
  dropped: { group: "losses", mark: "×", verb: "Dropped", preposition: "from" },
  recomputed: { group: "losses", mark: "⟳", verb: "Recomputed", preposition: "on" },
  outgrown: { group: "rescues", mark: "!", verb: "Outgrew its promise:", preposition: "on" },
  extended: { group: "rescues", mark: "+", verb: "Promised more:", preposition: "on" },
  borrowed: { group: "rescues", mark: "⇄", verb: "Borrowed", preposition: "on" },
  gave_way: { group: "rescues", mark: "⤓", verb: "Gave way:", preposition: "to" },
};

/** Words for kinds that this page does not know yet: the server may be newer. */
const unknownWords: KindWords = { group: "moves", mark: "•", verb: "Changed", preposition: "on" };

export const tierNames: Readonly<Record<KvTierName | "missing", string>> = {
  device: "device memory",
  host: "host memory",
  disk: "disk",
  missing: "given up",
};

export interface HappeningText {
  readonly group: HappeningGroup;
  readonly mark: string;
  readonly text: string;
}

export function happeningText(happening: Happening): HappeningText {
  const { group, mark, verb, preposition } = wordsOf(happening.kind);
  const where = happening.tier === null ? "" : ` ${preposition} ${tierNames[happening.tier]}`;
  return { group, mark, text: `${verb} ${plural(happening.blocks, "block")}${where}` };
}

function wordsOf(kind: HappeningKind): KindWords {
  return Object.hasOwn(words, kind) ? words[kind] : unknownWords;
}

/** Blocks that went one way during the last seconds. */
export interface Flow {
  readonly kind: "copied" | "restored" | "dropped" | "recomputed" | "moved_in";
  readonly tier: KvTierName;
  readonly blocks: number;
}

const flowKinds: ReadonlySet<HappeningKind> = new Set<Flow["kind"]>([
  "copied",
  "restored",
  "dropped",
  "recomputed",
  "moved_in",
]);

/** Sums by kind and memory over what happened after `sinceMs`; without a memory, the device's. */
export function recentFlows(entries: readonly LoggedHappening[], sinceMs: number): readonly Flow[] {
  const sums = new Map<string, Flow>();
  for (const { atMs, happening } of entries) {
    const { kind, tier, blocks } = happening;
    if (atMs < sinceMs || !isFlow(kind)) continue;
    const place = tier ?? "device";
    const key = `${kind}/${place}`;
    sums.set(key, { kind, tier: place, blocks: (sums.get(key)?.blocks ?? 0) + blocks });
  }
  return [...sums.values()];
}

function isFlow(kind: HappeningKind): kind is Flow["kind"] {
  return flowKinds.has(kind);
}
