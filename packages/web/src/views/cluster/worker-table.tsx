// The workers: whether they answer, how much work waits there, how full their memory is.

import type { JSX } from "preact";
import { formatCount, formatSeconds } from "../../format.ts";
import { Legend, StackedBar } from "../../live/stacked-bar.tsx";
import { plural } from "../../live/plural.ts";
import { WindowedList } from "../../live/windowed-list.tsx";
import type { WorkerRow } from "./worker-rows.ts";

const legend = [
  { fill: "queue", label: "load: seconds that accepted requests still need" },
  { fill: "device", label: "device memory in use, in blocks" },
] as const;

export function WorkerTable({ rows }: { readonly rows: readonly WorkerRow[] }): JSX.Element {
  return (
    <>
      <Legend entries={legend} />
      <WindowedList
        label="List of workers"
        rows={rows}
        keyOf={({ id }) => id}
        rowRem={2.5}
        rowRemNarrow={6.75}
        rowsShown={12}
        render={(row) => <WorkerLine row={row} />}
      />
    </>
  );
}

function WorkerLine({ row }: { readonly row: WorkerRow }): JSX.Element {
  const { id, engine, health, tone, loadSeconds, loadShare, blocksTotal, blocksUsed } = row;
  return (
    <div class="worker" data-worker={id}>
      <span class="worker-name">
        <b>{id}</b>
        {engine !== null && engine !== "loci" && <span class="badge">{engine}</span>}
        <span class="badge" data-tone={tone}>
          {health}
        </span>
      </span>
      <span class="worker-requests soft number">{requestWords(row)}</span>
      <span class="worker-meter">
        <StackedBar
          label="Work waiting"
          parts={[{ fill: "queue", label: "load", value: loadShare }]}
          total={1}
          format={() => formatSeconds(loadSeconds ?? 0)}
        />
        <span class="number">
          {loadSeconds === null ? "load unknown" : formatSeconds(loadSeconds)}
        </span>
      </span>
      <span class="worker-meter">
        <StackedBar
          label="Device memory"
          parts={[{ fill: "device", label: "in use", value: blocksUsed ?? 0 }]}
          total={blocksTotal}
          format={(blocks) => plural(blocks, "block")}
        />
        <span class="number">
          {blocksUsed === null
            ? "unknown"
            : `${formatCount(blocksUsed)} / ${formatCount(blocksTotal)}`}
        </span>
      </span>
    </div>
  );
}

/** What the router has there, and what the worker reports of everybody's. */
function requestWords({ requests, running, waiting }: WorkerRow): string {
  const own = `${requests} from here`;
  return running === null ? own : `${running} running, ${waiting ?? 0} waiting · ${own}`;
}
