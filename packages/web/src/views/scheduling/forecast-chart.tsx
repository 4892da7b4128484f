// The memory that running answers will need: by the median and by the 90 % lengths, against what
// there is. Of many workers the fullest is shown, unless another one is chosen.

import type { PeakForecast } from "@loci/core";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { formatCount, formatSeconds } from "../../format.ts";
import { Chart } from "../../live/chart.tsx";
import type { ChartShape } from "../../live/chart-options.ts";
import { Nothing, Panel } from "../../live/panel.tsx";
import { forecastLines, fullestForecast, type ForecastLines } from "./forecast-lines.ts";

const shape: ChartShape = {
  lines: [
    { label: "by the median", color: "--series-1" },
    { label: "by the 90 % length", color: "--series-2", isFilled: true },
    { label: "capacity", color: "--bad", dash: [6, 4] },
  ],
  formatX: (seconds) => (seconds < 0.05 ? "now" : `+${formatSeconds(seconds)}`),
  formatY: formatCount,
  topMin: 1,
};

export function ForecastChart({
  forecasts,
}: {
  readonly forecasts: readonly PeakForecast[];
}): JSX.Element {
  const [chosen, setChosen] = useState("");
  const forecast = forecasts.find(({ worker }) => worker === chosen) ?? fullestForecast(forecasts);
  const choice =
    forecasts.length > 1 ? (
      <WorkerChoice forecasts={forecasts} chosen={chosen} onChoose={setChosen} />
    ) : undefined;
  return (
    <Panel title="Memory ahead" aside={choice}>
      {forecast === null || forecast.points.length === 0 ? (
        <Nothing>
          No forecast: nothing is running, or answer lengths are not predicted here.
        </Nothing>
      ) : (
        <ForecastFigure lines={forecastLines(forecast)} />
      )}
    </Panel>
  );
}

function ForecastFigure({ lines }: { readonly lines: ForecastLines }): JSX.Element {
  const { worker, seconds, median, high, capacity, blocksTotal, peakMedian, peakHigh } = lines;
  const whose = worker === null ? "" : ` on ${worker}`;
  return (
    <Chart
      title={`Blocks that running answers are expected to hold${whose}`}
      description={
        `Expected peak${whose}: ${formatCount(peakMedian)} blocks by median lengths, ` +
        `${formatCount(peakHigh)} by the 90 % lengths, of ${formatCount(blocksTotal)}.`
      }
      shape={shape}
      x={seconds}
      values={[median, high, capacity]}
      nameX="Ahead"
    />
  );
}

interface WorkerChoiceProps {
  readonly forecasts: readonly PeakForecast[];
  readonly chosen: string;
  readonly onChoose: (worker: string) => void;
}

function WorkerChoice({ forecasts, chosen, onChoose }: WorkerChoiceProps): JSX.Element {
  return (
    <label class="worker-choice">
      Worker{" "}
      <select value={chosen} onChange={(event) => onChoose(event.currentTarget.value)}>
        <option value="">the fullest</option>
        {forecasts.map(({ worker }) => (
          <option key={worker} value={worker ?? ""}>
            {worker ?? "this process"}
          </option>
        ))}
      </select>
    </label>
  );
}
