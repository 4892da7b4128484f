// Asks for the API key when the server wants one.

import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { apiKey, keyWanted, setApiKey } from "../api/api-key.ts";
import { Dialog } from "../components/dialog.tsx";

export function KeyPrompt(): JSX.Element | null {
  const field = useRef<HTMLInputElement>(null);
  const [isKept, setKept] = useState(false);
  if (!keyWanted.value) return null;
  const submit = (event: Event): void => {
    event.preventDefault();
    const key = field.current?.value.trim() ?? "";
    if (key !== "") setApiKey(key, { isKept });
  };
  return (
    <Dialog title="API key" onClose={() => (keyWanted.value = false)}>
      <form onSubmit={submit}>
        <p>
          {apiKey.value === null
            ? "This server asks for a key. Whoever runs it can give you one."
            : "The server did not accept the key."}
        </p>
        <label class="field">
          <span>Key</span>
          <input
            ref={field}
            class="input"
            type="password"
            autocomplete="off"
            spellcheck={false}
            maxLength={512}
            required
          />
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={isKept}
            onChange={(event) => setKept(event.currentTarget.checked)}
          />
          <span>Remember it in this browser</span>
        </label>
        <div class="dialog-actions">
          <button type="submit" class="button button-primary">
            Use this key
          </button>
        </div>
      </form>
    </Dialog>
  );
}
