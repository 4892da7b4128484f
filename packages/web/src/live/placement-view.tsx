// One placement: what it would have cost at each worker that was considered, by cause.

import type { JSX } from "preact";
import { formatCount, formatSeconds } from "../format.ts";
import { costScale, termNames, type CandidateRow, type PlacementRow } from "./placement.ts";
import { Legend, StackedBar } from "./stacked-bar.tsx";

const termLabels: Readonly<Record<string, string>> = {
  queue: "queue: until a step takes it up",
  prefill: "prompt: computing or bringing what is missing",
  slowdown: "slowdown of others",
  eviction: "worth of what is given up for it",
  memory: "memory running short",
  move: "leaving the conversation's home",
  replica: "saved: another copy of a hot beginning",
};

const reasonWords: Readonly<Record<string, string>> = {
  cheapest: "the cheapest",
  only_choice: "the only choice",
  session_home: "the conversation's home",
  rebalanced: "moved to balance the load",
  replicated: "a copy of a hot beginning",
  retried: "tried again after a failure",
};

/** Why the chosen worker was chosen. */
export function reasonText({ reason }: PlacementRow): string {
  return reasonWords[reason] ?? reason.replaceAll("_", " ");
}

export function CostLegend(): JSX.Element {
  const entries = termNames.map((name) => ({ fill: name, label: termLabels[name] ?? name }));
  return (
    <div class="cost-legend">
      <Legend entries={entries} />
    </div>
  );
}

/** All candidates on one scale of seconds; the chosen one first. */
export function PlacementView({ placement }: { readonly placement: PlacementRow }): JSX.Element {
  const { candidates, workerId, fetch } = placement;
  const scale = costScale(candidates);
  return (
    <div class="placement">
      <ul class="candidates">
        {candidates.map((candidate) => (
          <li key={candidate.workerId} data-chosen={candidate.workerId === workerId}>
            <CandidateLine
              candidate={candidate}
              isChosen={candidate.workerId === workerId}
              scale={scale}
            />
          </li>
        ))}
      </ul>
      {fetch !== null && (
        <p class="soft">
          Fetches {formatCount(fetch.blocks)} blocks from {fetch.fromWorkerId} first.
        </p>
      )}
    </div>
  );
}

interface CandidateLineProps {
  readonly candidate: CandidateRow;
  readonly isChosen: boolean;
  readonly scale: number;
}

function CandidateLine({ candidate, isChosen, scale }: CandidateLineProps): JSX.Element {
  const { workerId, terms, score, cachedTokens } = candidate;
  const costs = terms.filter(({ seconds }) => seconds > 0);
  const saved = terms.reduce((sum, { seconds }) => sum + Math.min(0, seconds), 0);
  return (
    <>
      <span class="candidate-name">
        {workerId}
        {isChosen && <b class="badge">chosen</b>}
      </span>
      <StackedBar
        label={`Cost at ${workerId}`}
        parts={costs.map(({ name, seconds }) => ({ fill: name, label: name, value: seconds }))}
        total={scale}
        format={formatSeconds}
      />
      <span class="number candidate-sum">
        {terms.length > 0 ? formatSeconds(score) : `score ${score.toPrecision(3)}`}
        {saved < 0 && <span class="soft"> (saves {formatSeconds(-saved)})</span>}
        {cachedTokens > 0 && <span class="soft"> · {formatCount(cachedTokens)} cached</span>}
      </span>
    </>
  );
}
