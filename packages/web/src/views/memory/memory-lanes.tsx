// The memories as lanes, fastest on top: how full each is, and what went up and down lately.

import type { KvTierName } from "@loci/core";
import type { JSX } from "preact";
import { formatCount } from "../../format.ts";
import { plural } from "../../live/plural.ts";
import { StackedBar } from "../../live/stacked-bar.tsx";
import type { Flow } from "./happening-words.ts";
import type { PlaceBar } from "./place-bars.ts";

const laneNames: Readonly<Record<KvTierName, string>> = {
  device: "Device memory",
  host: "Host memory",
  disk: "Disk",
};

interface MemoryLanesProps {
  readonly bars: readonly PlaceBar[];
  readonly flows: readonly Flow[];
  readonly blockTokens: number;
}

export function MemoryLanes({ bars, flows, blockTokens }: MemoryLanesProps): JSX.Element {
  return (
    <ol class="lanes">
      {bars.map((bar) => (
        <li key={bar.tier} class="lane" data-tier={bar.tier}>
          <div class="lane-head">
            <h3>{laneNames[bar.tier]}</h3>
            <span class="soft number">
              {plural(bar.held + bar.cached, "block")} of {formatCount(bar.total)} ·{" "}
              {formatCount((bar.held + bar.cached) * blockTokens)} tokens
            </span>
          </div>
          <PlaceStack bar={bar} />
          <FlowLine flows={flows.filter(({ tier }) => tier === bar.tier)} />
        </li>
      ))}
    </ol>
  );
}

/** One memory as a bar: in use, kept for later, free. */
export function PlaceStack({ bar }: { readonly bar: PlaceBar }): JSX.Element {
  const { tier, held, cached, total } = bar;
  return (
    <div class="place-stack" data-fill-tier={tier}>
      <StackedBar
        label={laneNames[tier]}
        parts={[
          { fill: "held", label: "in use", value: held },
          { fill: "cached", label: "kept for later", value: cached },
        ]}
        total={total}
        format={(blocks) => plural(blocks, "block")}
      />
    </div>
  );
}

const flowWords: Readonly<Record<Flow["kind"], string>> = {
  restored: "↑ restored",
  copied: "↓ copied here",
  dropped: "× dropped",
  recomputed: "⟳ computed again",
  moved_in: "→ fetched",
};

function FlowLine({ flows }: { readonly flows: readonly Flow[] }): JSX.Element {
  return (
    <p class="lane-flows soft number">
      {flows.length === 0
        ? "quiet"
        : flows.map(({ kind, blocks }) => `${flowWords[kind]} ${formatCount(blocks)}`).join(" · ")}
    </p>
  );
}
