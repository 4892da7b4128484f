// Recent decisions: which worker, why, and what each one considered would have cost.

import type { JSX } from "preact";
import { formatCount, formatSeconds } from "../../format.ts";
import { dataOf, isObject } from "../../live/json-shape.ts";
import { Nothing, Panel } from "../../live/panel.tsx";
import { CostLegend, PlacementView, reasonText } from "../../live/placement-view.tsx";
import { decodePlacement, type PlacementRow } from "../../live/placement.ts";
import { PollTrouble } from "../../live/poll-trouble.tsx";
import { usePolled, type PollPlan } from "../../live/polled.ts";
import { hrefOf } from "../../routing/route.ts";

/** Null without a router. */
const plan: PollPlan<readonly PlacementRow[] | null> = {
  periodMs: 3000,
  decode: (body) => {
    if (!isObject(body) || body["data"] === null) return null;
    return dataOf(body).flatMap((one) => decodePlacement(one) ?? []);
  },
};

export function PlacementList(): JSX.Element {
  const { value, error } = usePolled("/loci/placements?limit=20", plan);
  return (
    <Panel title="Recent placements">
      <PollTrouble error={error} />
      {value === null || value.length === 0 ? (
        <Nothing>
          Nothing was placed lately. <a href="#/chat">Ask something</a>: the decision appears here
          with its costs.
        </Nothing>
      ) : (
        <>
          <CostLegend />
          <ol class="placements">
            {value.map((placement) => (
              <li key={placement.requestId}>
                <PlacementLine placement={placement} />
              </li>
            ))}
          </ol>
        </>
      )}
    </Panel>
  );
}

function agoWords(agoSeconds: number): string {
  return agoSeconds < 0.5 ? "now" : `${formatSeconds(Math.round(agoSeconds))} ago`;
}

function PlacementLine({ placement }: { readonly placement: PlacementRow }): JSX.Element {
  const { requestId, workerId, agoSeconds, candidates } = placement;
  const [chosen] = candidates;
  return (
    <details class="placement-entry">
      <summary>
        <b>{workerId}</b> <span>{reasonText(placement)}</span>{" "}
        <span class="soft number">
          {chosen !== undefined && chosen.terms.length > 0 && `${formatSeconds(chosen.score)} · `}
          {chosen !== undefined && `${formatCount(chosen.cachedTokens)} tokens cached · `}
          {agoSeconds !== null && agoWords(agoSeconds)}
        </span>
      </summary>
      <PlacementView placement={placement} />
      <a href={hrefOf({ view: "explain", id: requestId })}>
        Explain this request<span class="visually-hidden"> {requestId}</span>
      </a>
    </details>
  );
}
