// The queue over the last minutes.

import type { JSX } from "preact";
import { formatCount } from "../../format.ts";
import { Chart } from "../../live/chart.tsx";
import type { ChartShape } from "../../live/chart-options.ts";
import { formatBeforeNow, historySecondsMin, secondsBeforeNow } from "../../live/history-axis.ts";
import type { HistoryPoint } from "../../live/live-history.ts";
import { Panel } from "../../live/panel.tsx";

const queueShape: ChartShape = {
  lines: [
    { label: "running", color: "--series-1" },
    { label: "waiting", color: "--series-2", dash: [6, 3] },
  ],
  formatX: formatBeforeNow,
  leftMax: historySecondsMin,
  formatY: formatCount,
  topMin: 4,
};

const speedShape: ChartShape = {
  lines: [
    { label: "prompt, computed", color: "--series-3", dash: [6, 3] },
    { label: "generated", color: "--series-1" },
  ],
  formatX: formatBeforeNow,
  leftMax: historySecondsMin,
  formatY: formatCount,
  topMin: 10,
};

export function QueueChart({ points }: { readonly points: readonly HistoryPoint[] }): JSX.Element {
  const last = points.at(-1);
  return (
    <Panel title="Queue">
      <Chart
        title="Requests"
        description={`${last?.running ?? 0} requests running, ${last?.waiting ?? 0} waiting.`}
        shape={queueShape}
        x={secondsBeforeNow(points)}
        values={[points.map(({ running }) => running), points.map(({ waiting }) => waiting)]}
        nameX="When"
      />
    </Panel>
  );
}

export function SpeedChart({ points }: { readonly points: readonly HistoryPoint[] }): JSX.Element {
  const last = points.at(-1);
  return (
    <Panel title="Speed">
      <Chart
        title="Tokens per second"
        description={
          `${formatCount(last?.generatedPerSecond ?? 0)} tokens generated per second, ` +
          `${formatCount(last?.promptPerSecond ?? 0)} prompt tokens computed per second.`
        }
        shape={speedShape}
        x={secondsBeforeNow(points)}
        values={[
          points.map(({ promptPerSecond }) => promptPerSecond),
          points.map(({ generatedPerSecond }) => generatedPerSecond),
        ]}
        nameX="When"
      />
    </Panel>
  );
}
