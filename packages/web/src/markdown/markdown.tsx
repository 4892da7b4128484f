// Markdown as elements, from text that may still grow.

import type { Nodes, Root } from "mdast";
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import "./markdown.css";
import { headingLevels } from "./heading-levels.ts";
import { renderChildren } from "./markdown-nodes.tsx";
import { parseMarkdown } from "./parse-markdown.ts";

interface MarkdownProps {
  readonly text: string;
  /** More of it is coming. */
  readonly isGrowing: boolean;
}

export function Markdown({ text, isGrowing }: MarkdownProps): JSX.Element {
  const content = useMemo(() => {
    const root = parseMarkdown(text);
    if (root === null) return <p class="plain-text">{text}</p>;
    const context = {
      isColoured: !isGrowing,
      definitions: definitionsOf(root),
      levels: headingLevels(root),
      depth: 0,
    };
    return renderChildren(root, context);
  }, [text, isGrowing]);
  return <div class="markdown">{content}</div>;
}

function definitionsOf(root: Root): ReadonlyMap<string, string> {
  const definitions = new Map<string, string>();
  const open: Nodes[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.type === "definition") definitions.set(node.identifier, node.url);
    else if ("children" in node) open.push(...node.children);
  }
  return definitions;
}
