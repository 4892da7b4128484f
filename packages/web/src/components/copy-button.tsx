// Copies a text and says so for a moment.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { browserClock } from "../browser-clock.ts";
import { copyText } from "../clipboard.ts";
import { Icon } from "./icon.tsx";

interface CopyButtonProps {
  readonly text: string;
  readonly label: string;
}

const shownMs = 1500;

export function CopyButton({ text, label }: CopyButtonProps): JSX.Element {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    return browserClock.after(shownMs, () => setCopied(false));
  }, [isCopied]);
  const name = isCopied ? "Copied" : label;
  return (
    <button
      type="button"
      class="button button-quiet button-small button-icon"
      aria-label={name}
      title={name}
      onClick={() => {
        void copyText(text).then(setCopied);
      }}
    >
      <Icon name={isCopied ? "done" : "copy"} />
    </button>
  );
}
