// A block of code: its language, a button that copies it, and colours once they are loaded.

import type { ElementContent, Root } from "hast";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { CopyButton } from "../components/copy-button.tsx";

interface CodeBlockProps {
  readonly text: string;
  /** As the writer named it; may be empty. */
  readonly language: string;
  readonly isColoured: boolean;
}

/** Longer code stays plain. */
const colouredCharsMax = 30_000;

export function CodeBlock({ text, language, isColoured }: CodeBlockProps): JSX.Element {
  const tree = useColours(text, language, isColoured && text.length <= colouredCharsMax);
  const name = language === "" ? "code" : language.slice(0, 24);
  return (
    <div class="code-block">
      <div class="code-head">
        <span>{name}</span>
        <CopyButton text={text} label={`Copy ${name}`} />
      </div>
      {/* Long lines scroll; the keyboard must reach them. */}
      <section tabIndex={0} aria-label={`${name} block`}>
        <pre>
          <code>{tree === null ? text : renderTree(tree.children)}</code>
        </pre>
      </section>
    </div>
  );
}

/** Null as long as there are none. */
function useColours(text: string, language: string, isWanted: boolean): Root | null {
  const [coloured, setColoured] = useState<{ text: string; tree: Root | null } | null>(null);
  useEffect(() => {
    if (!isWanted || language === "") return undefined;
    let isCurrent = true;
    import("./highlight.ts").then(
      ({ highlight }) => isCurrent && setColoured({ text, tree: highlight(text, language) }),
      // Without colours it can still be read.
      () => undefined,
    );
    return () => {
      isCurrent = false;
    };
  }, [text, language, isWanted]);
  return coloured?.text === text ? coloured.tree : null;
}

function renderTree(
  nodes: readonly (ElementContent | Root["children"][number])[],
): ComponentChildren {
  return nodes.map((node, index) => {
    if (node.type === "text") return node.value;
    if (node.type !== "element") return null;
    const names = node.properties["className"];
    return (
      <span key={index} class={Array.isArray(names) ? names.join(" ") : undefined}>
        {renderTree(node.children)}
      </span>
    );
  });
}
