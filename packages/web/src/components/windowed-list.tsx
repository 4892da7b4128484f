// A list of rows of equal height of which only those near the visible part exist: ten thousand rows
// cost as much as twenty.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

interface WindowedListProps<T> {
  readonly label: string;
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  readonly rowPixels: number;
  readonly renderRow: (row: T) => ComponentChildren;
  /** Called when the end of the rows comes near; null when there is nothing more. */
  readonly onNearEnd: (() => void) | null;
}

/** Rows beyond the visible part on each side: the keyboard steps into them. */
const marginRows = 8;

/** First row and the row after the last one that exist. */
export function visibleRange(scroll: {
  readonly topPixels: number;
  readonly heightPixels: number;
  readonly rowPixels: number;
  readonly rowsTotal: number;
}): readonly [from: number, to: number] {
  const { topPixels, heightPixels, rowPixels, rowsTotal } = scroll;
  const first = Math.floor(topPixels / rowPixels) - marginRows;
  const last = Math.ceil((topPixels + heightPixels) / rowPixels) + marginRows;
  const to = Math.min(rowsTotal, Math.max(0, last));
  return [Math.min(Math.max(0, first), to), to];
}

export function WindowedList<T>(props: WindowedListProps<T>): JSX.Element {
  const { label, rows, keyOf, rowPixels, renderRow, onNearEnd } = props;
  const box = useRef<HTMLDivElement>(null);
  const [topPixels, setTop] = useState(0);
  const [heightPixels, setHeight] = useState(800);
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const [from, to] = visibleRange({ topPixels, heightPixels, rowPixels, rowsTotal: rows.length });
  const isNearEnd = onNearEnd !== null && to >= rows.length;
  useEffect(() => {
    if (isNearEnd) onNearEnd?.();
  }, [isNearEnd, rows.length]);
  return (
    <div ref={box} class="windowed" onScroll={(event) => setTop(event.currentTarget.scrollTop)}>
      <ul aria-label={label} style={{ height: `${rows.length * rowPixels}px` }}>
        {rows.slice(from, to).map((row, index) => (
          <li
            key={keyOf(row)}
            aria-setsize={rows.length}
            aria-posinset={from + index + 1}
            style={{
              height: `${rowPixels}px`,
              transform: `translateY(${(from + index) * rowPixels}px)`,
            }}
          >
            {renderRow(row)}
          </li>
        ))}
      </ul>
    </div>
  );
}
