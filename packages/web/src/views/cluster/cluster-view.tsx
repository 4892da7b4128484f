// Cluster: the workers, where requests went and why, and what failures have cost.

import type { ClusterSnapshot, LiveView } from "@loci/core";
import type { JSX } from "preact";
import { formatCount, formatShare } from "../../format.ts";
import { LiveFrame } from "../../live/live-frame.tsx";
import { Nothing, Panel } from "../../live/panel.tsx";
import { Tiles, type Tile } from "../../live/tiles.tsx";
import "./cluster.css";
import { PlacementList } from "./placement-list.tsx";
import { PrefixTable } from "./prefix-table.tsx";
import { workerRows } from "./worker-rows.ts";
import { WorkerTable } from "./worker-table.tsx";

export function ClusterView(): JSX.Element {
  return (
    <LiveFrame
      title="Cluster"
      lead="The workers, how much work waits at each in seconds, and why requests went where they went."
      explanation={<Explanation />}
    >
      {(view) => <ClusterContent shown={view} />}
    </LiveFrame>
  );
}

function Explanation(): JSX.Element {
  return (
    <>
      <p>
        A request costs least where its beginning is remembered, unless that worker is busy. The
        router prices both in the same currency, seconds: waiting, computing or bringing back what
        is missing, what others are slowed down by, and the worth of what would be given up for it.
        The cheapest worker takes it.
      </p>
      <p>
        When a worker dies, its answers go on at another one from the last token that reached the
        client: the stream does not break.
      </p>
    </>
  );
}

function ClusterContent({ shown }: { readonly shown: LiveView }): JSX.Element {
  const { cluster } = shown.service;
  if (cluster === undefined) {
    return (
      <Panel title="One process">
        <Nothing>
          One process computes everything here, so there is nothing to place. Start the server with{" "}
          <code>--workers 2</code>, or put <code>loci router</code> in front of several, and they
          appear here.
        </Nothing>
      </Panel>
    );
  }
  return (
    <>
      <Tiles tiles={tilesOf(cluster)} />
      <Panel title="Workers" aside={<WorkersCounted cluster={cluster} />}>
        {cluster.workers.length === 0 ? (
          <Nothing>No worker is known yet. Those that start are found by themselves.</Nothing>
        ) : (
          <WorkerTable rows={workerRows(cluster.workers)} />
        )}
      </Panel>
      <PlacementList />
      <div class="live-columns">
        <PrefixTable />
        <ReasonTable placements={cluster.placements} />
      </div>
    </>
  );
}

function WorkersCounted({ cluster }: { readonly cluster: ClusterSnapshot }): JSX.Element {
  const alive = cluster.workers.filter(({ health }) => health === "alive").length;
  return (
    <span class="soft number">
      {alive} of {cluster.workers.length} alive
      {cluster.workersWanted !== null && ` · the load needs ${cluster.workersWanted}`}
    </span>
  );
}

function tilesOf(cluster: ClusterSnapshot): readonly Tile[] {
  const { moves, retries, workerDeaths, quarantined, promptTokens, hitTokens } = cluster;
  const hits = hitTokens.device + hitTokens.host + hitTokens.disk;
  return [
    {
      label: "went on elsewhere",
      value: formatCount(moves),
      note: "answers whose worker was lost",
    },
    { label: "tried again", value: formatCount(retries), note: "before their first token" },
    { label: "workers lost", value: formatCount(workerDeaths) },
    { label: "refused", value: formatCount(quarantined), note: "two workers had died with them" },
    {
      label: "sent to their memory",
      value: promptTokens <= 0 ? "–" : formatShare(Math.min(1, hits / promptTokens)),
      note: "of prompt tokens were held there",
    },
  ];
}

function ReasonTable({
  placements,
}: {
  readonly placements: Readonly<Record<string, number>>;
}): JSX.Element {
  const entries = Object.entries(placements)
    .filter(([, count]) => count > 0)
    .toSorted(([, left], [, right]) => right - left);
  return (
    <Panel title="Reasons since the start">
      {entries.length === 0 ? (
        <Nothing>Nothing was placed yet.</Nothing>
      ) : (
        <table class="table">
          <caption class="visually-hidden">Placements by reason</caption>
          <thead>
            <tr>
              <th scope="col">Reason</th>
              <th scope="col">Requests</th>
            </tr>
          </thead>
          <tbody>
            {entries.map(([reason, count]) => (
              <tr key={reason}>
                <th scope="row">{reason.replaceAll("_", " ")}</th>
                <td class="number">{formatCount(count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}
