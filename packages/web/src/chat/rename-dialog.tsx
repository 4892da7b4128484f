// Asks for a conversation's new name.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Dialog } from "../components/dialog.tsx";
import { ErrorNotice } from "../components/error-notice.tsx";
import { useAct } from "../components/use-act.ts";
import { titleCharsMax } from "./conversation-title.ts";

interface RenameDialogProps {
  readonly title: string;
  readonly onRename: (title: string) => Promise<void>;
  readonly onClose: () => void;
}

export function RenameDialog({ title, onRename, onClose }: RenameDialogProps): JSX.Element {
  const [text, setText] = useState(title);
  const { isBusy, error, run } = useAct();
  return (
    <Dialog title="Rename conversation" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() !== "") run(() => onRename(text.trim()));
        }}
      >
        <label class="field">
          <span>Name</span>
          <input
            class="input"
            value={text}
            required
            maxLength={titleCharsMax}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        {error !== null && <ErrorNotice error={error} />}
        <div class="dialog-actions">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button button-primary" disabled={isBusy}>
            Rename
          </button>
        </div>
      </form>
    </Dialog>
  );
}
