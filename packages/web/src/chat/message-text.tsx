// A message's text as Markdown. The renderer is fetched with the first message; until it is there
// the text stands as it was written.

import { signal } from "@preact/signals";
import type { ComponentType, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { browserClock, type CancelTimer } from "../browser-clock.ts";

interface MessageTextProps {
  readonly text: string;
  readonly isGrowing: boolean;
}

const renderer = signal<ComponentType<MessageTextProps> | null>(null);
let isAsked = false;
/** Of the time that growing text is on the screen, at most one part in so many goes into it. */
const costShare = 4;
const pauseMsMax = 2000;

export function MessageText({ text, isGrowing }: MessageTextProps): JSX.Element {
  useEffect(fetchRenderer, []);
  const shown = usePaced(text, isGrowing);
  const Markdown = renderer.value;
  return Markdown === null ? (
    <p class="plain-text">{shown}</p>
  ) : (
    <Markdown text={shown} isGrowing={isGrowing} />
  );
}

function fetchRenderer(): void {
  if (isAsked) return;
  isAsked = true;
  // Plain text will do without it; the next message asks again.
  loadRenderer().catch(() => {
    isAsked = false;
  });
}

async function loadRenderer(): Promise<void> {
  const { Markdown } = await import("../markdown/markdown.tsx");
  renderer.value = Markdown;
}

/** Growing text, the more seldom the longer its rendering takes; the final text at once. */
function usePaced(text: string, isGrowing: boolean): string {
  const [shown, setShown] = useState(text);
  const renderedMs = useRef(0);
  const costMs = useRef(0);
  const timer = useRef<CancelTimer | null>(null);
  const latest = useRef(text);
  latest.current = text;
  useEffect(() => {
    if (!isGrowing || timer.current !== null || shown === text) return;
    const dueMs = renderedMs.current + Math.min(costMs.current * costShare, pauseMsMax);
    timer.current = browserClock.after(Math.max(0, dueMs - browserClock.nowMs()), () => {
      timer.current = null;
      renderedMs.current = browserClock.nowMs();
      setShown(latest.current);
    });
  }, [text, isGrowing, shown]);
  useEffect(() => {
    // After the rendering that `setShown` caused.
    costMs.current = browserClock.nowMs() - renderedMs.current;
  }, [shown]);
  useEffect(() => () => timer.current?.(), []);
  return isGrowing ? shown : text;
}
