// The caller's recent requests, newest first, and a field for the id of any other.

import type { RequestHead } from "@loci/core";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { formatCount, formatSeconds, formatShare } from "../../format.ts";
import { dataOf, type JsonObject } from "../../live/json-shape.ts";
import { Nothing, Panel } from "../../live/panel.tsx";
import { PollTrouble } from "../../live/poll-trouble.tsx";
import { usePolled, type PollPlan } from "../../live/polled.ts";
import { WindowedList } from "../../live/windowed-list.tsx";
import { hrefOf, navigate } from "../../routing/route.ts";

const plan: PollPlan<readonly RequestHead[]> = {
  periodMs: 3000,
  decode: (body) => dataOf(body).filter((one) => isHead(one)),
};

export function RequestHeads(): JSX.Element {
  const { value, error } = usePolled("/loci/requests?limit=100", plan);
  return (
    <Panel title="Recent requests" aside={<IdField />}>
      <PollTrouble error={error} />
      {value === null || value.length === 0 ? (
        <Nothing>
          {value === null && error === null ? (
            "Asking…"
          ) : (
            <>
              No requests yet. <a href="#/chat">Ask something</a> and come back.
            </>
          )}
        </Nothing>
      ) : (
        <WindowedList
          label="List of recent requests"
          rows={value}
          keyOf={({ id }) => id}
          rowRem={2.5}
          rowRemNarrow={4}
          rowsShown={18}
          render={(head) => <HeadLine head={head} />}
        />
      )}
    </Panel>
  );
}

function IdField(): JSX.Element {
  const [id, setId] = useState("");
  return (
    <form
      class="id-field"
      onSubmit={(event) => {
        event.preventDefault();
        if (id.trim() !== "") navigate({ view: "explain", id: id.trim() });
      }}
    >
      <input
        aria-label="Id of a request, of its answer, or its x-request-id"
        class="input"
        placeholder="request, answer or x-request-id"
        maxLength={160}
        value={id}
        onInput={(event) => setId(event.currentTarget.value)}
      />
      <button type="submit" class="button">
        Explain
      </button>
    </form>
  );
}

function HeadLine({ head }: { readonly head: RequestHead }): JSX.Element {
  const { id, worker, promptTokens, cachedTokens, generatedTokens } = head;
  const { firstTokenSeconds, endSeconds } = head;
  return (
    <div class="head">
      <a class="head-name" href={hrefOf({ view: "explain", id })}>
        {id}
      </a>
      <span class="badge" data-tone={toneOf(head)}>
        {head.finishReason ?? head.phase ?? "running"}
      </span>
      <span class="head-facts soft number">
        {formatCount(promptTokens)} prompt
        {promptTokens > 0 &&
          ` (${formatShare(Math.min(1, cachedTokens / promptTokens))} cached)`} ·{" "}
        {formatCount(generatedTokens)} generated
        {firstTokenSeconds !== null && ` · first after ${formatSeconds(firstTokenSeconds)}`}
        {endSeconds !== null && ` · ${formatSeconds(endSeconds)}`}
        {worker !== null && ` · ${worker}`}
      </span>
    </div>
  );
}

const goodEnds: ReadonlySet<string> = new Set(["stop", "length", "tool_calls"]);

function toneOf({ finishReason }: RequestHead): "good" | "warn" | "bad" {
  if (finishReason === null) return "warn";
  return goodEnds.has(finishReason) ? "good" : "bad";
}

/** Its numbers are of the type that server and page share. */
function isHead(one: JsonObject): one is JsonObject & RequestHead {
  return typeof one["id"] === "string";
}
