// Explain: what became of one request, and why it took as long as it took.

import type { JSX } from "preact";
import { usePolled, type PollPlan } from "../../live/polled.ts";
import { PollTrouble } from "../../live/poll-trouble.tsx";
import { ViewFrame } from "../../live/view-frame.tsx";
import { hrefOf } from "../../routing/route.ts";
import "./explain.css";
import { RequestHeads } from "./request-list.tsx";
import { decodeStory, type KnownStory } from "./story.ts";
import { StoryView } from "./story-view.tsx";

interface ExplainViewProps {
  readonly requestId: string | null;
}

/** An ended request's story changes no more. */
const plan: PollPlan<KnownStory> = {
  periodMs: 1000,
  decode: decodeStory,
  isDone: ({ endSeconds }) => endSeconds !== null,
};

export function ExplainView({ requestId }: ExplainViewProps): JSX.Element {
  return (
    <ViewFrame
      title="Explain"
      lead="For one request: where its time went, what was remembered of its prompt, and what was expected of it."
      explanation={<Explanation />}
    >
      {requestId === null ? <RequestHeads /> : <Story requestId={requestId} />}
    </ViewFrame>
  );
}

function Explanation(): JSX.Element {
  return (
    <>
      <p>
        A request waits for its turn, has what is remembered of its prompt brought back, computes
        the rest, and then writes token by token. What was found in memory costs nothing, what comes
        from a slower memory costs less than computing it would.
      </p>
      <p>
        The server remembers the stories of its last thousand requests: numbers and names, never
        text.
      </p>
    </>
  );
}

function Story({ requestId }: { readonly requestId: string }): JSX.Element {
  const path = `/loci/requests/${encodeURIComponent(requestId)}`;
  const { value, error } = usePolled(path, plan);
  return (
    <>
      <p>
        <a href={hrefOf({ view: "explain" })}>All recent requests</a>
      </p>
      <PollTrouble error={error} />
      {value !== null && <StoryView story={value} />}
      {value === null && error === null && (
        <div class="empty" aria-busy="true">
          Asking…
        </div>
      )}
    </>
  );
}
