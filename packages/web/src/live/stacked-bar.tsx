// Parts of a whole side by side. What the colours say is said in words, too: to those who hover, and
// to those who listen.

import type { JSX } from "preact";

export interface BarPart {
  /** Chooses the fill; see live.css. */
  readonly fill: string;
  readonly label: string;
  readonly value: number;
}

interface StackedBarProps {
  readonly parts: readonly BarPart[];
  /** What the full width stands for. */
  readonly total: number;
  /** Of a value: "12 blocks". */
  readonly format: (value: number) => string;
  readonly label: string;
}

export function StackedBar({ parts, total, format, label }: StackedBarProps): JSX.Element {
  const shown = parts.filter(({ value }) => value > 0);
  const words = shown.map((part) => `${part.label}: ${format(part.value)}`).join(", ");
  return (
    <div class="stack-frame">
      <span class="visually-hidden">
        {label}: {words === "" ? "nothing" : words}
      </span>
      <div class="stack" aria-hidden="true">
        {shown.map((part) => (
          <span
            key={`${part.fill}/${part.label}`}
            class="stack-part"
            data-fill={part.fill}
            title={`${part.label}: ${format(part.value)}`}
            style={{ width: `${percent(part.value, total)}%` }}
          />
        ))}
      </div>
    </div>
  );
}

function percent(value: number, total: number): number {
  return total <= 0 ? 0 : Math.min(100, (value / total) * 100);
}

interface LegendProps {
  readonly entries: readonly { readonly fill: string; readonly label: string }[];
}

export function Legend({ entries }: LegendProps): JSX.Element {
  return (
    <ul class="legend" aria-label="Legend">
      {entries.map(({ fill, label }) => (
        <li key={fill}>
          <span class="legend-swatch" data-fill={fill} aria-hidden="true" />
          {label}
        </li>
      ))}
    </ul>
  );
}
