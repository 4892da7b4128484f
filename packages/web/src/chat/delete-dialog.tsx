// Asks before a conversation is deleted.

import type { JSX } from "preact";
import { Dialog } from "../components/dialog.tsx";
import { ErrorNotice } from "../components/error-notice.tsx";
import { useAct } from "../components/use-act.ts";

interface DeleteDialogProps {
  readonly title: string;
  readonly onDelete: () => Promise<void>;
  readonly onClose: () => void;
}

export function DeleteDialog({ title, onDelete, onClose }: DeleteDialogProps): JSX.Element {
  const { isBusy, error, run } = useAct();
  return (
    <Dialog title="Delete conversation?" onClose={onClose}>
      <p>
        “{title}” is deleted with its answers, and erased from the server’s memory. There is no way
        back.
      </p>
      {error !== null && <ErrorNotice error={error} />}
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          class="button button-danger"
          disabled={isBusy}
          onClick={() => run(onDelete)}
        >
          Delete
        </button>
      </div>
    </Dialog>
  );
}
