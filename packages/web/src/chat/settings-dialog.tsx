// How answers are asked for. Changes hold from the next answer on, in every conversation.

import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { Dialog } from "../components/dialog.tsx";
import {
  changeSettings,
  chatSettings,
  defaultSettings,
  schemaCharsMax,
  settingProblems,
  systemPromptCharsMax,
  type ChatSettings,
  type JsonMode,
} from "./chat-settings.ts";

const jsonModes: readonly (readonly [JsonMode, string])[] = [
  ["off", "Off: plain text"],
  ["object", "Any JSON object"],
  ["schema", "JSON that fits a schema"],
];

export function SettingsDialog({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const settings = chatSettings.value;
  return (
    <Dialog title="Chat settings" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onClose();
        }}
      >
        <label class="field">
          <span>System prompt</span>
          <textarea
            class="input"
            rows={4}
            maxLength={systemPromptCharsMax}
            value={settings.systemPrompt}
            onInput={(event) => changeSettings({ systemPrompt: event.currentTarget.value })}
          />
        </label>
        <div class="field-grid">
          <NumberField name="temperature" label="Temperature" />
          <NumberField name="topP" label="Top p" />
          <NumberField name="maxTokens" label="Tokens at most" />
          <NumberField name="seed" label="Seed" />
        </div>
        <label class="field">
          <span>JSON mode</span>
          <select
            class="input"
            value={settings.jsonMode}
            onChange={(event) => {
              const { value } = event.currentTarget;
              const mode = jsonModes.find(([name]) => name === value)?.[0] ?? "off";
              changeSettings({ jsonMode: mode });
            }}
          >
            {jsonModes.map(([name, words]) => (
              <option key={name} value={name}>
                {words}
              </option>
            ))}
          </select>
        </label>
        {settings.jsonMode === "schema" && <SchemaField />}
        <div class="dialog-actions">
          <button type="button" class="button" onClick={() => changeSettings(defaultSettings)}>
            Reset
          </button>
          <button type="submit" class="button button-primary">
            Done
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface NumberFieldProps {
  readonly name: keyof ChatSettings;
  readonly label: string;
}

function NumberField({ name, label }: NumberFieldProps): JSX.Element {
  const problem = settingProblems(chatSettings.value)[name];
  const problemId = useId();
  return (
    <label class="field">
      <span>{label}</span>
      <input
        class="input"
        inputMode="decimal"
        placeholder="default"
        maxLength={24}
        value={chatSettings.value[name]}
        aria-invalid={problem !== undefined}
        aria-describedby={problem === undefined ? undefined : problemId}
        onInput={(event) => changeSettings({ [name]: event.currentTarget.value })}
      />
      {problem !== undefined && (
        <span id={problemId} class="field-problem">
          {problem}
        </span>
      )}
    </label>
  );
}

function SchemaField(): JSX.Element {
  const { schema } = settingProblems(chatSettings.value);
  const problemId = useId();
  return (
    <label class="field">
      <span>JSON schema of the answer</span>
      <textarea
        class="input code-input"
        rows={10}
        spellcheck={false}
        maxLength={schemaCharsMax}
        value={chatSettings.value.schema}
        aria-invalid={schema !== undefined}
        aria-describedby={problemId}
        onInput={(event) => changeSettings({ schema: event.currentTarget.value })}
      />
      <span id={problemId} class={schema === undefined ? "" : "field-problem"}>
        {schema ?? "Answers are held to this schema."}
      </span>
    </label>
  );
}
