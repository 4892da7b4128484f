// Requests in the order of the scheduler: running ones first, then those that wait.

import type { RequestPhase, RequestView } from "@loci/core";
import type { JSX } from "preact";
import { AnswerBarView } from "../../live/answer-bar-view.tsx";
import { formatCount, formatSeconds } from "../../format.ts";
import { plural } from "../../live/plural.ts";
import { Legend, StackedBar } from "../../live/stacked-bar.tsx";
import { WindowedList } from "../../live/windowed-list.tsx";
import { hrefOf } from "../../routing/route.ts";
import { answerScale, requestRow, type RequestRow } from "./request-rows.ts";

const legend = [
  { fill: "device", label: "prompt from memory" },
  { fill: "prefill", label: "prompt computed" },
  { fill: "generated", label: "tokens generated" },
  { fill: "band", label: "predicted: 10 % to 90 %, with median" },
  { fill: "promise", label: "dashed: memory promised" },
] as const;

export const phaseWords: Readonly<Record<RequestPhase, string>> = {
  waiting: "waiting",
  restoring: "restoring",
  prefill: "reading",
  decode: "writing",
};

export function RequestList({
  requests,
}: {
  readonly requests: readonly RequestView[];
}): JSX.Element {
  const scale = answerScale(requests);
  return (
    <>
      <Legend entries={legend} />
      <WindowedList
        label="List of requests"
        rows={requests}
        keyOf={({ worker, id }) => `${worker ?? ""}/${id}`}
        rowRem={2.5}
        rowRemNarrow={5}
        rowsShown={14}
        render={(request) => <RequestLine row={requestRow(request, scale)} scale={scale} />}
      />
    </>
  );
}

interface RequestLineProps {
  readonly row: RequestRow;
  readonly scale: number;
}

function RequestLine({ row, scale }: RequestLineProps): JSX.Element {
  const { request, prompt, answer } = row;
  const { id, phase, worker, ageSeconds, promptTokens, rescues } = request;
  return (
    <div class="request">
      <span class="request-name">
        <a href={hrefOf({ view: "explain", id })} title={id}>
          {shortId(id)}
        </a>
        <b class="badge" data-tone={phase === "waiting" ? "warn" : undefined}>
          {phaseWords[phase] ?? phase}
        </b>
        {rescues > 0 && (
          <b class="badge" data-tone="bad">
            {plural(rescues, "rescue")}
          </b>
        )}
      </span>
      <span class="request-facts soft number">
        {formatSeconds(ageSeconds)}
        {worker !== null && ` · ${worker}`}
      </span>
      <StackedBar
        label={`Prompt of ${formatCount(promptTokens)} tokens`}
        parts={[
          { fill: "device", label: "from memory", value: prompt.cached * promptTokens },
          { fill: "prefill", label: "computed", value: prompt.computed * promptTokens },
        ]}
        total={promptTokens}
        format={formatCount}
      />
      <AnswerBarView bar={answer} label={answerWords(request)} />
      <span class="request-count number">
        {formatCount(request.generatedTokens)}
        <span class="soft"> / {formatCount(Math.min(scale, request.maxTokens))}</span>
      </span>
    </div>
  );
}

function answerWords(request: RequestView): string {
  const { generatedTokens, predicted, promisedTokens, maxTokens } = request;
  const parts = [`${plural(generatedTokens, "token")} generated of at most ${maxTokens}`];
  if (predicted !== null) {
    const { low, median, high } = predicted;
    parts.push(
      `predicted ${formatCount(low)} to ${formatCount(high)}, median ${formatCount(median)}`,
    );
  }
  if (promisedTokens !== null) parts.push(`memory promised for ${formatCount(promisedTokens)}`);
  return parts.join("; ");
}

/** The end of an answer's id tells requests apart; which of its generations they are rarely matters. */
function shortId(id: string): string {
  const name = id.replace(/-0-0$/, "");
  return name.length <= 10 ? name : `…${name.slice(-8)}`;
}
