// Memory: the tiers as a living picture, and what became of blocks.

import type { LiveView, SequenceView, ServiceView } from "@loci/core";
import type { JSX } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { live } from "../../live/live.ts";
import { LiveFrame } from "../../live/live-frame.tsx";
import { Nothing, Panel } from "../../live/panel.tsx";
import { Legend } from "../../live/stacked-bar.tsx";
import { WindowedList } from "../../live/windowed-list.tsx";
import { HappeningFeed } from "./happening-feed.tsx";
import { recentFlows } from "./happening-words.ts";
import { HitCharts } from "./hit-charts.tsx";
import "./memory.css";
import { MemoryLanes, PlaceStack } from "./memory-lanes.tsx";
import { totalBars, workerBars, type WorkerBars } from "./place-bars.ts";
import { SequenceList } from "./sequence-list.tsx";
import { sequenceRows, type SequenceRow } from "./sequence-rows.ts";

/** What moved so long ago still stands beside its lane. */
const flowSeconds = 10;

export function MemoryView(): JSX.Element {
  return (
    <LiveFrame
      title="Memory"
      lead="Where the keys and values of every conversation lie, and what becomes of them."
      explanation={<Explanation />}
    >
      {(view) => <MemoryContent live={view} />}
    </LiveFrame>
  );
}

function Explanation(): JSX.Element {
  return (
    <>
      <p>
        What a model has read is kept as blocks of keys and values. A later request that begins with
        the same tokens takes these blocks over and computes only what is new: that is what makes
        the next turn of a conversation quick.
      </p>
      <p>
        Blocks that nobody uses stay until their room is needed. Those that are worth it are copied
        to slower memories first and come back from there in less time than computing them again
        would take; what is cheaper to compute again is given up. A longer bar is a longer sequence,
        by the square root; where there is room, each cell is a block.
      </p>
    </>
  );
}

function MemoryContent({ live: shown }: { readonly live: LiveView }): JSX.Element {
  const { view, atMs, conversations } = shown;
  const rows = useSequenceRows(view);
  if (view === null) {
    return (
      <Panel title="Nothing to look into">
        <Nothing>
          The engines behind this server do not tell what their memory holds, or did not answer in
          time. The cluster view shows what is known of them.
        </Nothing>
      </Panel>
    );
  }
  const { entries } = live.happenings;
  const flows = recentFlows(entries, atMs - flowSeconds * 1000);
  const workers = workerBars(view.places);
  return (
    <>
      <Panel title="Places" aside={<PlacesLegend />}>
        <MemoryLanes bars={totalBars(view.places)} flows={flows} blockTokens={view.blockTokens} />
        {workers.length > 1 && <WorkerPlaces workers={workers} />}
      </Panel>
      <Panel title="Sequences" aside={<span class="soft number">{sequencesCounted(view)}</span>}>
        {rows.length === 0 ? (
          <Nothing>
            Nothing is remembered yet. <a href="#/chat">Start a chat</a> and its blocks appear here.
          </Nothing>
        ) : (
          <SequenceList rows={rows} conversations={conversations} />
        )}
      </Panel>
      <HitCharts points={live.history.points} />
      <HappeningFeed entries={entries} nowMs={atMs} />
    </>
  );
}

/** Rows of this view, with what has moved since the one before. */
function useSequenceRows(view: ServiceView | null): readonly SequenceRow[] {
  const before = useRef<ReadonlyMap<string, SequenceView>>(new Map());
  return useMemo(() => {
    const now = view?.sequences ?? [];
    const rows = sequenceRows(now, before.current);
    before.current = new Map(now.map((sequence) => [sequence.key, sequence]));
    return rows;
  }, [view]);
}

function sequencesCounted({ sequences, sequencesOmitted }: ServiceView): string {
  const shown = `${sequences.length} most recently used`;
  return sequencesOmitted === 0 ? shown : `${shown}, ${sequencesOmitted} more not shown`;
}

function PlacesLegend(): JSX.Element {
  return (
    <Legend
      entries={[
        { fill: "held", label: "in use by requests" },
        { fill: "cached", label: "kept for later" },
      ]}
    />
  );
}

function WorkerPlaces({ workers }: { readonly workers: readonly WorkerBars[] }): JSX.Element {
  return (
    <details class="worker-places">
      <summary>By worker ({workers.length})</summary>
      <WindowedList
        label="List of memory by worker"
        rows={workers}
        keyOf={({ worker }) => worker}
        rowRem={2}
        rowRemNarrow={2}
        rowsShown={12}
        render={({ worker, bars }) => (
          <div class="worker-place">
            <span>{worker}</span>
            {bars.map((bar) => (
              <PlaceStack key={bar.tier} bar={bar} />
            ))}
          </div>
        )}
      />
    </details>
  );
}
