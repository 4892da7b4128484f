// A list that may be long: only the rows in sight are elements. Rows have one height, which follows
// the reader's font size and grows on narrow screens, where a row's parts stand below each other.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { listWindow } from "./list-window.ts";

interface WindowedListProps<T> {
  readonly label: string;
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  readonly render: (row: T) => ComponentChildren;
  /** Height of a row in rem: beside each other, and on narrow screens. */
  readonly rowRem: number;
  readonly rowRemNarrow: number;
  /** Most rows in sight at once. */
  readonly rowsShown: number;
}

const narrowMax = "(max-width: 48rem)";

export function WindowedList<T>(props: WindowedListProps<T>): JSX.Element {
  const { rows, keyOf, render, label } = props;
  const [scrollTop, setScrollTop] = useState(0);
  const isNarrow = useMedia(narrowMax);
  const rowHeight = Math.round((isNarrow ? props.rowRemNarrow : props.rowRem) * remPixels());
  const viewHeight = rowHeight * Math.min(props.rowsShown, Math.max(1, rows.length));
  const shown = listWindow({ count: rows.length, rowHeight, scrollTop, viewHeight });
  return (
    <section
      class="live-rows"
      aria-label={label}
      tabIndex={0}
      style={{ maxHeight: `${viewHeight}px` }}
      onScroll={(event) => setScrollTop(event.currentTarget.scrollTop)}
    >
      <ul style={{ paddingTop: `${shown.above}px`, paddingBottom: `${shown.below}px` }}>
        {rows.slice(shown.start, shown.end).map((row, index) => (
          <li
            key={keyOf(row)}
            aria-setsize={rows.length}
            aria-posinset={shown.start + index + 1}
            style={{ height: `${rowHeight}px` }}
          >
            {render(row)}
          </li>
        ))}
      </ul>
    </section>
  );
}

function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const follow = (): void => setMatches(media.matches);
    follow();
    media.addEventListener("change", follow);
    return () => media.removeEventListener("change", follow);
  }, [query]);
  return matches;
}

function remPixels(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
}
