// What became of blocks, newest first, each with its reason and price.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { formatSeconds } from "../../format.ts";
import type { LoggedHappening } from "../../live/happening-log.ts";
import { Nothing, Panel } from "../../live/panel.tsx";
import { WindowedList } from "../../live/windowed-list.tsx";
import { hrefOf } from "../../routing/route.ts";
import { happeningText, type HappeningGroup } from "./happening-words.ts";

const groups: readonly (readonly [HappeningGroup, string])[] = [
  ["moves", "moves"],
  ["losses", "given up and computed again"],
  ["rescues", "rescues"],
];

interface HappeningFeedProps {
  readonly entries: readonly LoggedHappening[];
  readonly nowMs: number;
}

export function HappeningFeed({ entries, nowMs }: HappeningFeedProps): JSX.Element {
  const [hidden, setHidden] = useState<ReadonlySet<HappeningGroup>>(new Set());
  const rows = entries.filter((entry) => !hidden.has(happeningText(entry.happening).group));
  const toggle = (group: HappeningGroup): void => {
    const next = new Set(hidden);
    if (!next.delete(group)) next.add(group);
    setHidden(next);
  };
  return (
    <Panel title="What happened" aside={<GroupChoice hidden={hidden} onToggle={toggle} />}>
      {rows.length === 0 ? (
        <Nothing>
          Nothing has moved while you watched. Blocks move when memory runs short or when a
          conversation that was set aside goes on.
        </Nothing>
      ) : (
        <WindowedList
          label="What happened to blocks"
          rows={rows}
          keyOf={({ key }) => key}
          rowRem={2.25}
          rowRemNarrow={4.25}
          rowsShown={10}
          render={(entry) => <HappeningLine entry={entry} nowMs={nowMs} />}
        />
      )}
    </Panel>
  );
}

interface GroupChoiceProps {
  readonly hidden: ReadonlySet<HappeningGroup>;
  readonly onToggle: (group: HappeningGroup) => void;
}

function GroupChoice({ hidden, onToggle }: GroupChoiceProps): JSX.Element {
  return (
    <fieldset class="group-choice">
      <legend class="visually-hidden">Kinds that are shown</legend>
      {groups.map(([group, label]) => (
        <label key={group} class="check">
          <input type="checkbox" checked={!hidden.has(group)} onChange={() => onToggle(group)} />
          {label}
        </label>
      ))}
    </fieldset>
  );
}

interface HappeningLineProps {
  readonly entry: LoggedHappening;
  readonly nowMs: number;
}

function HappeningLine({ entry, nowMs }: HappeningLineProps): JSX.Element {
  const { group, mark, text } = happeningText(entry.happening);
  const { worker, requestId, reason, kind } = entry.happening;
  const agoSeconds = Math.max(0, Math.round((nowMs - entry.atMs) / 1000));
  return (
    <div class="happening" data-kind={kind}>
      <span class="happening-mark" data-group={group} aria-hidden="true">
        {mark}
      </span>
      <span class="happening-text">
        <b>{text}</b>
        {reason !== "" && <span class="soft"> – {reason}</span>}
      </span>
      <span class="happening-where soft number">
        {requestId !== null && (
          <a href={hrefOf({ view: "explain", id: requestId })}>
            request<span class="visually-hidden"> {requestId}</span>
          </a>
        )}
        {worker !== null && <span>{worker}</span>}
        <span>{agoSeconds === 0 ? "now" : `${formatSeconds(agoSeconds)} ago`}</span>
      </span>
    </div>
  );
}
