// Lines over time, painted by uPlot. The picture is described in a sentence, its values under the
// pointer stand in the legend, and all of it can be read as a table.

import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { cssColor } from "../theme/css-color.ts";
import { themeName } from "../theme/theme.ts";
import { chartOptions, sampledRows, type ChartShape } from "./chart-options.ts";

export interface ChartProps {
  readonly title: string;
  /** What the lines say, in a sentence. */
  readonly description: string;
  /** Must stay the same object while only values change. */
  readonly shape: ChartShape;
  readonly x: readonly number[];
  /** For each line a value at each x; null: unknown. */
  readonly values: readonly (readonly (number | null)[])[];
  /** What the values of x are, for the table. */
  readonly nameX: string;
}

const heightPixels = 180;
const tableRowsMax = 24;

export function Chart(props: ChartProps): JSX.Element {
  const { title, description, shape, x, values } = props;
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [cursor, setCursor] = useState<number | null>(null);
  const theme = themeName.value;
  const data = alignedData(x, values);
  const latest = useRef(data);
  latest.current = data;
  useLayoutEffect(() => {
    const element = frame.current;
    if (element === null) return undefined;
    const colors = {
      lines: shape.lines.map(({ color }) => cssColor(color)),
      ink: cssColor("--ink-soft"),
      grid: cssColor("--line"),
    };
    const size = { width: Math.max(120, element.clientWidth), height: heightPixels };
    const chart = new uPlot(chartOptions(shape, size, colors, setCursor), latest.current, element);
    plot.current = chart;
    const observer = new ResizeObserver(() => {
      const width = Math.max(120, element.clientWidth);
      if (width !== chart.width) chart.setSize({ width, height: heightPixels });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [shape, theme]);
  useEffect(() => plot.current?.setData(data), [x, values]);
  const index = cursor !== null && cursor < x.length ? cursor : x.length - 1;
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <ChartLegend {...props} index={index} />
      <p class="visually-hidden">{description}</p>
      <div class="chart-canvas" ref={frame} aria-hidden="true" />
      <ChartTable {...props} />
    </figure>
  );
}

function alignedData(x: readonly number[], values: ChartProps["values"]): uPlot.AlignedData {
  return [[...x], ...values.map((line) => [...line])];
}

function ChartLegend({
  shape,
  values,
  index,
}: ChartProps & { readonly index: number }): JSX.Element {
  return (
    <ul class="legend chart-legend" aria-hidden="true">
      {shape.lines.map(({ label, color, dash }, line) => {
        const value = values[line]?.[index] ?? null;
        return (
          <li key={label}>
            <span
              class={dash === undefined ? "chart-swatch" : "chart-swatch chart-swatch-dashed"}
              style={{ borderColor: `var(${color})` }}
            />
            {label} <b class="number">{value === null ? "–" : shape.formatY(value)}</b>
          </li>
        );
      })}
    </ul>
  );
}

function ChartTable({ title, shape, x, values, nameX }: ChartProps): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="chart-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        As a table<span class="visually-hidden">: {title}</span>
      </summary>
      {isOpen && (
        <section class="chart-scroll" aria-label={`Table: ${title}`} tabIndex={0}>
          <table class="table number">
            <thead>
              <tr>
                <th scope="col">{nameX}</th>
                {shape.lines.map(({ label }) => (
                  <th key={label} scope="col">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {sampledRows(x.length, tableRowsMax).map((row) => (
                <tr key={row}>
                  <th scope="row">{shape.formatX(x[row] ?? 0)}</th>
                  {shape.lines.map(({ label }, line) => {
                    const value = values[line]?.[row] ?? null;
                    return <td key={label}>{value === null ? "–" : shape.formatY(value)}</td>;
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </details>
  );
}
