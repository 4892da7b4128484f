// The turns of a conversation, the newest at the bottom, where the view stays while text grows
// unless the reader has scrolled away.

import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { OpenChat } from "./open-chat.ts";
import { AnswerAnnouncer, GrowingTurn } from "./growing-turn.tsx";
import { TurnView } from "./turn-view.tsx";
import { Welcome } from "./welcome.tsx";

interface TurnListProps {
  readonly session: OpenChat;
}

/** So near the end counts as at the end. */
const endPixels = 80;
/** Turns shown at first, and added by each look further back. */
const turnsStep = 60;

export function TurnList({ session }: TurnListProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const [turnsShown, setTurnsShown] = useState(turnsStep);
  const turns = session.turns.value;
  const answer = session.answer.value;
  const isLoading = session.loadState.value.kind === "loading";
  useStickToEnd(box, isAtEnd);
  useLayoutEffect(() => scrollToEnd(box.current), [answer !== null]);
  const shown = turns.slice(-turnsShown);
  const showEarlier = (): void => {
    if (turns.length <= turnsShown) void session.loadEarlier();
    setTurnsShown(turnsShown + turnsStep);
  };
  if (isLoading)
    return (
      <div class="pane-body empty" aria-busy="true">
        Loading…
      </div>
    );
  if (turns.length === 0 && answer === null) return <Welcome session={session} />;
  return (
    <div class="pane-scroll">
      {/* Scrolls by keyboard, too. */}
      <section
        ref={box}
        class="pane-body"
        aria-label="Messages"
        tabIndex={0}
        onScroll={(event) => setAtEnd(isNearEnd(event.currentTarget))}
      >
        <div class="turns">
          {(turns.length > turnsShown || session.hasEarlier.value) && (
            <button type="button" class="button button-small" onClick={showEarlier}>
              Show earlier messages
            </button>
          )}
          {shown.map((turn, index) => (
            <TurnView
              key={turn.key}
              turn={turn}
              session={session}
              isLast={answer === null && index === shown.length - 1}
            />
          ))}
          {answer !== null && <GrowingTurn answer={answer} />}
          <AnswerAnnouncer answer={answer} lastText={turns.at(-1)?.text ?? ""} />
        </div>
      </section>
      {!isAtEnd && (
        <button type="button" class="button to-end" onClick={() => scrollToEnd(box.current)}>
          Jump to the end
        </button>
      )}
    </div>
  );
}

/** Whatever grows, the end stays in view as long as it was. */
function useStickToEnd(box: { readonly current: HTMLElement | null }, isAtEnd: boolean): void {
  useEffect(() => {
    const content = box.current?.firstElementChild;
    if (content === null || content === undefined || !isAtEnd) return undefined;
    const observer = new ResizeObserver(() => scrollToEnd(box.current));
    observer.observe(content);
    return () => observer.disconnect();
  });
}

function scrollToEnd(element: HTMLElement | null): void {
  if (element !== null) element.scrollTop = element.scrollHeight;
}

function isNearEnd({ scrollHeight, scrollTop, clientHeight }: HTMLElement): boolean {
  return scrollHeight - scrollTop - clientHeight < endPixels;
}
