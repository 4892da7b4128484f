// What became of answers that outgrew the memory promised to them, and how good the promises are.

import type { LengthSnapshot, RescueSnapshot } from "@loci/core";
import type { JSX } from "preact";
import { formatCount, formatShare } from "../../format.ts";
import { plural } from "../../live/plural.ts";
import { Nothing, Panel } from "../../live/panel.tsx";

/** The ladder, cheapest way first. */
const ladder: readonly (readonly [keyof RescueSnapshot, string, string])[] = [
  ["outgrown", "outgrew their promise", "answers that became longer than memory was promised for"],
  ["extended", "promised more", "there was room: nothing lost"],
  ["borrowed", "borrowed", "from what others do not need yet"],
  ["waited", "steps sat out", "somebody was about to end"],
  ["moved", "gave way, moved", "to a memory below, and back later"],
  ["recomputed", "gave way, computed again", "the dearest way"],
  ["late", "of these, nearly done", "should be rare"],
];

export function RescueTable({
  rescues,
}: {
  readonly rescues: RescueSnapshot | undefined;
}): JSX.Element {
  return (
    <Panel title="Rescues">
      {rescues === undefined ? (
        <Nothing>Nobody counts rescues here.</Nothing>
      ) : (
        <table class="table">
          <caption class="visually-hidden">
            How memory was found for answers that outgrew their promise
          </caption>
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">Times</th>
              <th scope="col">Meaning</th>
            </tr>
          </thead>
          <tbody>
            {ladder.map(([name, label, meaning]) => (
              <tr key={name}>
                <th scope="row">{label}</th>
                <td class="number">{formatCount(rescues[name])}</td>
                <td class="soft">{meaning}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

export function Calibration({
  lengths,
}: {
  readonly lengths: LengthSnapshot | undefined;
}): JSX.Element {
  return (
    <Panel title="How good the predictions are">
      {lengths === undefined || lengths.coverage === null ? (
        <Nothing>No answer has been judged yet.</Nothing>
      ) : (
        <>
          <div class="coverage">
            <meter
              min={0}
              max={1}
              low={0.8}
              high={0.97}
              optimum={0.9}
              value={lengths.coverage}
              aria-label="Share of answers within their 90 % interval"
            />
            <b class="number">{formatShare(lengths.coverage)}</b>
          </div>
          <p class="soft">
            of recent answers ended within their 90 % interval; 90 % is right: far more would mean
            that intervals are too wide. Learned from {plural(lengths.answers, "answer")};{" "}
            {plural(lengths.drifts, "change")} of traffic noticed.
          </p>
        </>
      )}
    </Panel>
  );
}
