// The story of one request: where its time went, where its prompt came from, what was predicted, and
// why it went where it went.

import type { RequestStory } from "@loci/core";
import type { JSX } from "preact";
import { CopyButton } from "../../components/copy-button.tsx";
import { formatCount, formatSeconds, formatShare } from "../../format.ts";
import { answerBar } from "../../live/answer-bar.ts";
import { AnswerBarView } from "../../live/answer-bar-view.tsx";
import { Nothing, Panel } from "../../live/panel.tsx";
import { CostLegend, PlacementView, reasonText } from "../../live/placement-view.tsx";
import { decodePlacement } from "../../live/placement.ts";
import { plural } from "../../live/plural.ts";
import { roundUp } from "../../live/round-scale.ts";
import { Legend, StackedBar } from "../../live/stacked-bar.tsx";
import { Tiles, type Tile } from "../../live/tiles.tsx";
import { hrefOf } from "../../routing/route.ts";
import { cachedShareOf, promptOrigin } from "./prompt-origin.ts";
import type { KnownStory } from "./story.ts";
import { timelineOf } from "./timeline.ts";
import { TimelineView } from "./timeline-view.tsx";

export function StoryView({ story }: { readonly story: KnownStory }): JSX.Element {
  return (
    <>
      <StoryHead story={story} />
      <Tiles tiles={tilesOf(story)} />
      <Panel title="Where the time went">
        <TimelineView timeline={timelineOf(story)} />
      </Panel>
      <div class="live-columns">
        <Panel title="Where the prompt came from">
          <Origin story={story} />
        </Panel>
        <Panel title="The answer's length">
          <Prediction story={story} />
        </Panel>
      </div>
      <Panel title="Why it went there">
        <PlacementPart story={story} />
      </Panel>
      <RawStory story={story} />
    </>
  );
}

function StoryHead({ story }: { readonly story: KnownStory }): JSX.Element {
  const { id, worker, conversation } = story;
  return (
    <p class="story-head">
      <code>{id}</code>
      <CopyButton text={id} label="Copy the id" />
      {worker !== null && <span class="soft">on {worker}</span>}
      {conversation !== null && (
        <a href={hrefOf({ view: "chat", id: conversation })}>its conversation</a>
      )}
    </p>
  );
}

function tilesOf(story: RequestStory): readonly Tile[] {
  const { promptTokens, generatedTokens, firstTokenSeconds, endSeconds, finishReason } = story;
  const cached = cachedShareOf(story);
  const writing = endSeconds === null ? 0 : endSeconds - (firstTokenSeconds ?? endSeconds);
  return [
    {
      label: endSeconds === null ? "still running" : "took",
      value: endSeconds === null ? "…" : formatSeconds(endSeconds),
      ...(finishReason === null ? {} : { note: `ended: ${finishReason.replaceAll("_", " ")}` }),
    },
    {
      label: "first token after",
      value: firstTokenSeconds === null ? "–" : formatSeconds(firstTokenSeconds),
    },
    {
      label: "prompt",
      value: formatCount(promptTokens),
      note: cached === null ? "tokens" : `tokens, ${formatShare(cached)} from memory`,
    },
    {
      label: "generated",
      value: formatCount(generatedTokens),
      note: writing > 0 ? `${formatCount((generatedTokens - 1) / writing)} per second` : "tokens",
    },
  ];
}

function Origin({ story }: { readonly story: RequestStory }): JSX.Element {
  const parts = promptOrigin(story);
  if (parts.length === 0) return <Nothing>The prompt has not been looked at yet.</Nothing>;
  return (
    <div class="origin">
      <StackedBar
        label="Prompt tokens"
        parts={parts.map(({ origin, label, tokens }) => ({ fill: origin, label, value: tokens }))}
        total={story.promptTokens}
        format={(tokens) => plural(tokens, "token")}
      />
      <Legend
        entries={parts.map(({ origin, label, tokens }) => ({
          fill: origin,
          label: `${label}: ${formatCount(tokens)}`,
        }))}
      />
    </div>
  );
}

function Prediction({ story }: { readonly story: RequestStory }): JSX.Element {
  const { predicted, generatedTokens } = story;
  if (predicted === null) return <Nothing>Nobody predicted this answer's length.</Nothing>;
  const scale = roundUp(Math.max(1, predicted.high, generatedTokens));
  const { low, median, high } = predicted;
  const words =
    `Predicted ${formatCount(low)} to ${formatCount(high)} tokens, ` +
    `median ${formatCount(median)}; generated ${formatCount(generatedTokens)}.`;
  return (
    <div class="origin">
      <AnswerBarView
        bar={answerBar({ generatedTokens, predicted, promisedTokens: null }, scale)}
        label={words}
      />
      <p class="soft">
        {words} {verdictOf(story)}
      </p>
    </div>
  );
}

/** Only an answer that ended by itself says how good the prediction was. */
function verdictOf({ predicted, generatedTokens, finishReason }: RequestStory): string {
  if (predicted === null || finishReason !== "stop") return "";
  if (generatedTokens > predicted.high)
    return "It became longer than nine in ten were expected to.";
  if (generatedTokens < predicted.low)
    return "It stayed shorter than nine in ten were expected to.";
  return "It ended within the band.";
}

function PlacementPart({ story }: { readonly story: RequestStory }): JSX.Element {
  const placement = decodePlacement(story.placement);
  if (placement === null) {
    return <Nothing>There was no choice: one process computes everything here.</Nothing>;
  }
  return (
    <>
      <p>
        <b>{placement.workerId}</b>: {reasonText(placement)}
      </p>
      <CostLegend />
      <PlacementView placement={placement} />
    </>
  );
}

function RawStory({ story }: { readonly story: KnownStory }): JSX.Element {
  const text = JSON.stringify(story, null, 2);
  return (
    <Panel title="As JSON" aside={<CopyButton text={text} label="Copy as JSON" />}>
      <details>
        <summary>Show</summary>
        <pre class="story-json" tabIndex={0}>
          {text}
        </pre>
      </details>
    </Panel>
  );
}
