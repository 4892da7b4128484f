// Which rows of a long list are in sight: only these and a few around them become elements.

export interface ListWindow {
  /** Rows [start, end) are drawn. */
  readonly start: number;
  readonly end: number;
  /** Height of what is left out above and below, in pixels. */
  readonly above: number;
  readonly below: number;
}

export interface ListGeometry {
  readonly count: number;
  readonly rowHeight: number;
  readonly scrollTop: number;
  readonly viewHeight: number;
}

/** Rows drawn beyond either edge, so that scrolling shows no gaps. */
const rowsAround = 4;

export function listWindow({ count, rowHeight, scrollTop, viewHeight }: ListGeometry): ListWindow {
  const top = Math.max(0, Math.min(scrollTop, count * rowHeight - viewHeight));
  const first = Math.floor(top / rowHeight);
  const last = Math.ceil((top + viewHeight) / rowHeight);
  const start = Math.max(0, first - rowsAround);
  const end = Math.min(count, last + rowsAround);
  return { start, end, above: start * rowHeight, below: (count - end) * rowHeight };
}
