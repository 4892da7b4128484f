// Hits over time: from which memory prompts were served, and what coming back has cost.

import type { JSX } from "preact";
import { formatCount, formatShare } from "../../format.ts";
import { Chart } from "../../live/chart.tsx";
import type { ChartShape } from "../../live/chart-options.ts";
import { formatBeforeNow, historySecondsMin, secondsBeforeNow } from "../../live/history-axis.ts";
import type { HistoryPoint } from "../../live/live-history.ts";
import { Panel } from "../../live/panel.tsx";
import { sharesOverTime, tokensOverTime, windowPoints, type Line } from "./memory-charts.ts";

const shareShape: ChartShape = {
  lines: [
    { label: "device", color: "--place-device", isFilled: true },
    { label: "+ host", color: "--place-host", isFilled: true },
    { label: "+ disk", color: "--place-disk", isFilled: true, dash: [6, 3] },
  ],
  formatX: formatBeforeNow,
  leftMax: historySecondsMin,
  formatY: formatShare,
  topMin: 1,
};

const tokenShape: ChartShape = {
  lines: [
    { label: "restored", color: "--series-3" },
    { label: "computed again", color: "--bad", dash: [6, 3] },
  ],
  formatX: formatBeforeNow,
  leftMax: historySecondsMin,
  formatY: formatCount,
  topMin: 10,
};

export function HitCharts({ points }: { readonly points: readonly HistoryPoint[] }): JSX.Element {
  const x = secondsBeforeNow(points);
  const shares = sharesOverTime(points);
  const tokens = tokensOverTime(points);
  const cached = lastOf(shares.deviceHostDisk);
  return (
    <div class="live-columns">
      <Panel title="Hits">
        <Chart
          title={`Share of prompt tokens found in memory, over ${windowPoints} s`}
          description={
            cached === null
              ? "Share of prompt tokens found in memory: no prompts in the last half minute."
              : `Of the last prompts' tokens, ${formatShare(cached)} were found in some memory.`
          }
          shape={shareShape}
          x={x}
          values={[shares.device, shares.deviceHost, shares.deviceHostDisk]}
          nameX="When"
        />
      </Panel>
      <Panel title="Coming back">
        <Chart
          title="Tokens brought back and computed again, per second"
          description={
            `Restored now: ${formatCount(lastOf(tokens.restored) ?? 0)} tokens; ` +
            `computed again: ${formatCount(lastOf(tokens.recomputed) ?? 0)}.`
          }
          shape={tokenShape}
          x={x}
          values={[tokens.restored, tokens.recomputed]}
          nameX="When"
        />
      </Panel>
    </div>
  );
}

function lastOf(line: Line): number | null {
  return line.at(-1) ?? null;
}
