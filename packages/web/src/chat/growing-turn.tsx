// The answer under way.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { MessageText } from "./message-text.tsx";
import type { AnswerPhase, GrowingAnswer } from "./open-chat.ts";

const phaseWords: Readonly<Record<AnswerPhase, string>> = {
  sending: "Sending…",
  waiting: "Waiting for the first word…",
  writing: "Writing…",
  reconnecting: "The connection was lost; taking it up again…",
};

export function GrowingTurn({ answer }: { readonly answer: GrowingAnswer }): JSX.Element {
  const text = answer.text.shown.value;
  const phase = answer.phase.value;
  return (
    <article class="turn turn-assistant" aria-label="Model" aria-busy="true" data-status={phase}>
      <div class="turn-speaker">Model</div>
      {text !== "" && <MessageText text={text} isGrowing />}
      <p class="turn-note">
        <span class="spinner" aria-hidden="true" /> {phaseWords[phase]}
      </p>
    </article>
  );
}

const announcedCharsMax = 2000;

interface AnnouncerProps {
  readonly answer: GrowingAnswer | null;
  /** The last answer that is complete. */
  readonly lastText: string;
}

/**
 * Tells screen readers that an answer has begun and, once, what it says: word by word nobody could
 * follow.
 */
export function AnswerAnnouncer({ answer, lastText }: AnnouncerProps): JSX.Element {
  const [words, setWords] = useState("");
  const [wasAnswering, setAnswering] = useState(false);
  useEffect(() => {
    if (answer !== null) {
      setAnswering(true);
      setWords("The model answers.");
    } else if (wasAnswering) {
      setAnswering(false);
      setWords(`Answer: ${lastText.slice(0, announcedCharsMax)}`);
    }
  }, [answer]);
  return (
    <output class="visually-hidden" aria-live="polite">
      {words}
    </output>
  );
}
