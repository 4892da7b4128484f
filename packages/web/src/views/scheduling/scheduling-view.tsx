// Scheduling: who runs, who waits, what was predicted for them, and whether memory will suffice.

import type { JSX } from "preact";
import { formatCount, formatSeconds, formatShare } from "../../format.ts";
import { live } from "../../live/live.ts";
import { LiveFrame } from "../../live/live-frame.tsx";
import type { LiveView } from "@loci/core";
import { Nothing, Panel } from "../../live/panel.tsx";
import { Tiles, type Tile } from "../../live/tiles.tsx";
import { ForecastChart } from "./forecast-chart.tsx";
import { QueueChart, SpeedChart } from "./queue-chart.tsx";
import { phaseWords, RequestList } from "./request-list.tsx";
import { phaseCounts } from "./request-rows.ts";
import { Calibration, RescueTable } from "./rescue-table.tsx";
import "./scheduling.css";

export function SchedulingView(): JSX.Element {
  return (
    <LiveFrame
      title="Scheduling"
      lead="Who runs and who waits, how long each answer is expected to be, and whether memory will suffice."
      explanation={<Explanation />}
    >
      {(view) => <SchedulingContent shown={view} />}
    </LiveFrame>
  );
}

function Explanation(): JSX.Element {
  return (
    <>
      <p>
        An answer holds more memory with every token, and nobody knows beforehand how many there
        will be. From earlier answers a distribution is learned; requests start when the memory that
        all running ones will need at their peak is likely to suffice. So more of them run at a time
        than with the worst case in mind, and few have to give way.
      </p>
      <p>
        When an answer outgrows what was promised, the cheapest way out is taken: promise more,
        borrow, wait for one that is about to end, move aside, and only then compute again.
      </p>
    </>
  );
}

function SchedulingContent({ shown }: { readonly shown: LiveView }): JSX.Element {
  const { view, service } = shown;
  const { points } = live.history;
  return (
    <>
      <Tiles tiles={tilesOf(shown)} />
      <Panel title="Requests" aside={<PhaseCounts shown={shown} />}>
        {view === null ? (
          <Nothing>
            The engines behind this server do not show their requests, or did not answer in time.
          </Nothing>
        ) : view.requests.length === 0 ? (
          <Nothing>
            Nothing runs and nothing waits. <a href="#/chat">Ask something</a> and its answer grows
            here.
          </Nothing>
        ) : (
          <RequestList requests={view.requests} />
        )}
      </Panel>
      <div class="live-columns">
        <ForecastChart forecasts={view?.forecasts ?? []} />
        <QueueChart points={points} />
        <SpeedChart points={points} />
        <Calibration lengths={service.lengths} />
      </div>
      <RescueTable rescues={service.rescues} />
    </>
  );
}

function PhaseCounts({ shown }: { readonly shown: LiveView }): JSX.Element | null {
  const { view } = shown;
  if (view === null) return null;
  const words = phaseCounts(view.requests)
    .filter(([, count]) => count > 0)
    .map(([phase, count]) => `${count} ${phaseWords[phase]}`);
  if (view.requestsOmitted > 0) words.push(`${view.requestsOmitted} more not shown`);
  return <span class="soft number">{words.join(" · ")}</span>;
}

function tilesOf({ service, rates }: LiveView): readonly Tile[] {
  const { requestsRunning, requestsWaiting, waitSecondsExpected, kvBlocksTotal } = service;
  const held = kvBlocksTotal - service.kvBlocksFree - service.kvBlocksCached;
  return [
    { label: "running", value: formatCount(requestsRunning) },
    {
      label: "waiting",
      value: formatCount(requestsWaiting),
      note: Number.isFinite(waitSecondsExpected)
        ? `a new one would wait ${formatSeconds(waitSecondsExpected)}`
        : "a new one would not start",
    },
    { label: "generated per second", value: formatCount(rates.generatedPerSecond), note: "tokens" },
    {
      label: "read per second",
      value: formatCount(rates.promptPerSecond),
      note:
        rates.cachedShare === null
          ? "prompt tokens"
          : `and ${formatShare(rates.cachedShare)} found in memory`,
    },
    {
      label: "memory in use",
      value: kvBlocksTotal <= 0 ? "–" : formatShare(Math.max(0, held) / kvBlocksTotal),
      note: `of ${formatCount(kvBlocksTotal)} blocks`,
    },
  ];
}
