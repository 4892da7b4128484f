// The level that each heading of an answer gets on the page: one deeper than the heading it stands
// under, whatever the writer skipped, so that who moves by headings misses nothing.

import type { Heading, Nodes, Root } from "mdast";

/** The conversation's name is the page's first heading. */
const levelMin = 2;

export function headingLevels(root: Root): ReadonlyMap<Heading, number> {
  const levels = new Map<Heading, number>();
  /** Those that the next one may stand under, outermost first; at most one of each depth. */
  const above: Heading[] = [];
  const open: Nodes[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.type === "heading") {
      const { depth } = node;
      while ((above.at(-1)?.depth ?? 0) >= depth) above.pop();
      levels.set(node, levelMin + above.length);
      above.push(node);
    } else if ("children" in node) open.push(...node.children.toReversed());
  }
  return levels;
}
