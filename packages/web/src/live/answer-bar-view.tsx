// The tokens of an answer against its predicted band and what memory is promised.

import type { JSX } from "preact";
import type { AnswerBar } from "./answer-bar.ts";

interface AnswerBarViewProps {
  readonly bar: AnswerBar;
  /** The same in words. */
  readonly label: string;
}

export function AnswerBarView({ bar, label }: AnswerBarViewProps): JSX.Element {
  const { generated, band, promised } = bar;
  return (
    <div class="answer-frame">
      <span class="visually-hidden">{label}</span>
      <div class="answer-bar" aria-hidden="true" title={label}>
        {band !== null && (
          <span
            class="answer-band"
            style={{ left: at(band.low), width: at(Math.max(0.004, band.high - band.low)) }}
          />
        )}
        <span class="answer-generated" style={{ width: at(generated) }} />
        {band !== null && <span class="answer-median" style={{ left: at(band.median) }} />}
        {promised !== null && <span class="answer-promise" style={{ left: at(promised) }} />}
      </div>
    </div>
  );
}

function at(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}
