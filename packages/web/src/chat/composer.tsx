// Where one writes: Enter sends, Shift and Enter begin a line, Escape stops the answer.

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { FileButton } from "../components/file-button.tsx";
import { Icon } from "../components/icon.tsx";
import { attachmentLimits, attachmentProblem, decodeText, type Attachment } from "./attachment.ts";
import type { OpenChat } from "./open-chat.ts";

interface ComposerProps {
  readonly session: OpenChat;
  readonly isEnabled: boolean;
}

const textCharsMax = 1 << 20;

export function Composer({ session, isEnabled }: ComposerProps): JSX.Element {
  const field = useRef<HTMLTextAreaElement>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const { text, attachments } = session.draft.value;
  useEffect(() => {
    if (isEnabled && document.activeElement === document.body) field.current?.focus();
  }, [isEnabled]);
  const attach = async (files: readonly File[]): Promise<void> => {
    setProblem(await attachFiles(session, files));
    field.current?.focus();
  };
  useFileDrop((files) => void attach(files));
  const send = (): void => {
    setProblem(null);
    void session.send();
    field.current?.focus();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {problem !== null && (
        <p class="composer-problem" role="alert">
          {problem}
        </p>
      )}
      <AttachmentChips
        attachments={attachments}
        onRemove={(index) => {
          session.draft.value = { text, attachments: attachments.toSpliced(index, 1) };
        }}
      />
      <div class="composer-row">
        <FileButton
          label="Attach text files"
          icon="file"
          accept=""
          isMultiple
          onFiles={(files) => void attach(files)}
        />
        <textarea
          ref={field}
          class="composer-text"
          aria-label="Message"
          placeholder="Write a message"
          rows={1}
          maxLength={textCharsMax}
          disabled={!isEnabled}
          value={text}
          onInput={(event) => {
            session.draft.value = { text: event.currentTarget.value, attachments };
          }}
          onKeyDown={(event) => {
            // While a word is being composed, Enter belongs to the input method.
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            send();
          }}
        />
        <SendOrStop session={session} isEnabled={isEnabled} />
      </div>
    </form>
  );
}

function SendOrStop({ session, isEnabled }: ComposerProps): JSX.Element {
  const { text, attachments } = session.draft.value;
  const isEmpty = text.trim() === "" && attachments.length === 0;
  return session.answer.value === null ? (
    <button
      type="submit"
      class="button button-primary button-icon"
      aria-label="Send"
      title="Send (Enter)"
      disabled={isEmpty || !isEnabled}
    >
      <Icon name="send" />
    </button>
  ) : (
    <button
      type="button"
      class="button button-icon"
      aria-label="Stop"
      title="Stop (Esc)"
      onClick={() => void session.stop()}
    >
      <Icon name="stop" />
    </button>
  );
}

/** Files dropped anywhere on the page. */
function useFileDrop(onFiles: (files: readonly File[]) => void): void {
  const latest = useRef(onFiles);
  latest.current = onFiles;
  useEffect(() => {
    const allow = (event: DragEvent): void => event.preventDefault();
    const take = (event: DragEvent): void => {
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      latest.current(files);
    };
    document.addEventListener("dragover", allow);
    document.addEventListener("drop", take);
    return () => {
      document.removeEventListener("dragover", allow);
      document.removeEventListener("drop", take);
    };
  }, []);
}

/** Adds them to the draft; the answer is what was wrong with one of them, or null. */
async function attachFiles(session: OpenChat, files: readonly File[]): Promise<string | null> {
  const { read, problem } = await readAttachments(files);
  const { text, attachments } = session.draft.peek();
  const all = [...attachments, ...read];
  session.draft.value = { text, attachments: all.slice(0, attachmentLimits.filesMax) };
  if (all.length <= attachmentLimits.filesMax) return problem;
  return `At most ${attachmentLimits.filesMax} files go with a message.`;
}

interface ChipsProps {
  readonly attachments: readonly Attachment[];
  readonly onRemove: (index: number) => void;
}

function AttachmentChips({ attachments, onRemove }: ChipsProps): JSX.Element | null {
  if (attachments.length === 0) return null;
  return (
    <ul class="chips" aria-label="Attached files">
      {attachments.map(({ name }, index) => (
        <li key={index}>
          <Icon name="file" />
          <span>{name}</span>
          <button
            type="button"
            class="button button-quiet button-small button-icon"
            aria-label={`Remove ${name}`}
            onClick={() => onRemove(index)}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}

interface ReadFiles {
  readonly read: readonly Attachment[];
  /** What was wrong with one of them. */
  readonly problem: string | null;
}

async function readAttachments(files: readonly File[]): Promise<ReadFiles> {
  const read: Attachment[] = [];
  let problem: string | null = null;
  for (const file of files.slice(0, attachmentLimits.filesMax + 1)) {
    const found = attachmentProblem(file);
    const text = found === null ? decodeText(new Uint8Array(await file.arrayBuffer())) : null;
    if (text !== null) read.push({ name: file.name, text });
    else problem = found ?? `${file.name} is not a text file.`;
  }
  return { read, problem };
}
