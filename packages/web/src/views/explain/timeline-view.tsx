// A request's phases on one line of seconds, and the same as a table.

import type { JSX } from "preact";
import { formatCount, formatSeconds } from "../../format.ts";
import { Legend } from "../../live/stacked-bar.tsx";
import type { Timeline, TimelinePiece } from "./timeline.ts";

const phaseWords: Readonly<Record<TimelinePiece["phase"], string>> = {
  waiting: "waiting",
  restoring: "restoring",
  prefill: "reading the prompt",
  decode: "writing the answer",
  rescued: "gave way to others",
};

const legend = [
  { fill: "waiting", label: phaseWords.waiting },
  { fill: "restoring", label: phaseWords.restoring },
  { fill: "prefill", label: phaseWords.prefill },
  { fill: "decode", label: phaseWords.decode },
  { fill: "rescued", label: phaseWords.rescued },
] as const;

export function TimelineView({ timeline }: { readonly timeline: Timeline }): JSX.Element {
  const { pieces, ticks, firstToken } = timeline;
  return (
    <>
      <Legend entries={legend} />
      <div class="timeline" aria-hidden="true">
        <div class="timeline-line">
          {pieces.map((piece) => (
            <span
              key={`${piece.phase}/${piece.left}`}
              class="timeline-piece"
              data-fill={piece.phase}
              title={pieceWords(piece)}
              style={{ left: percent(piece.left), width: percent(piece.width) }}
            />
          ))}
          {firstToken !== null && (
            <span
              class="timeline-first"
              title="first token"
              style={{ left: percent(firstToken) }}
            />
          )}
        </div>
        <div class="timeline-ticks number">
          {ticks.map(({ at, seconds }) => (
            <span key={seconds} style={{ left: percent(at) }}>
              {formatSeconds(seconds)}
            </span>
          ))}
        </div>
      </div>
      <PhaseTable pieces={pieces} />
    </>
  );
}

/** Rows that are shown; a longer life is told by its line. */
const rowsMax = 64;

function PhaseTable({ pieces }: { readonly pieces: readonly TimelinePiece[] }): JSX.Element {
  return (
    <div class="table-wide">
      <table class="table">
        <caption class="visually-hidden">The phases of this request</caption>
        <thead>
          <tr>
            <th scope="col">Phase</th>
            <th scope="col">Took</th>
            <th scope="col">Tokens</th>
            <th scope="col">Note</th>
          </tr>
        </thead>
        <tbody>
          {pieces.slice(0, rowsMax).map((piece, index) => (
            // Phases follow each other; nothing else tells two of the same kind apart.
            <tr key={index}>
              <th scope="row">{phaseWords[piece.phase] ?? piece.phase}</th>
              <td class="number">{formatSeconds(piece.seconds)}</td>
              <td class="number">{formatCount(piece.tokens)}</td>
              <td class="soft">{piece.note ?? ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function pieceWords({ phase, seconds, note }: TimelinePiece): string {
  const words = `${phaseWords[phase] ?? phase}: ${formatSeconds(seconds)}`;
  return note === null ? words : `${words} (${note})`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(3)}%`;
}
