// One turn as it is shown, and what can be done from there.

import type { JSX } from "preact";
import { branchConversation } from "../api/conversations-api.ts";
import { CopyButton } from "../components/copy-button.tsx";
import { ErrorNotice } from "../components/error-notice.tsx";
import { Icon } from "../components/icon.tsx";
import { useAct } from "../components/use-act.ts";
import { formatBytes } from "../format.ts";
import { navigate } from "../routing/route.ts";
import { AnswerFigures } from "./answer-figures.tsx";
import type { OpenChat } from "./open-chat.ts";
import { chatState } from "./chat-state.ts";
import { MessageText } from "./message-text.tsx";
import type { Turn, TurnRole } from "./turn.ts";

interface TurnViewProps {
  readonly turn: Turn;
  readonly session: OpenChat;
  readonly isLast: boolean;
}

const speakers: Readonly<Record<TurnRole, string>> = {
  user: "You",
  assistant: "Model",
  system: "System",
  tool: "Tool",
};

export function TurnView({ turn, session, isLast }: TurnViewProps): JSX.Element {
  const { role, text, attachments, status, facts } = turn;
  return (
    <article class={`turn turn-${role}`} aria-label={speakers[role]} data-status={status}>
      <div class="turn-speaker">{speakers[role]}</div>
      {attachments.map(({ name, text: content }, index) => (
        <details key={index} class="turn-file">
          <summary>
            <Icon name="file" /> {name} <span class="soft">{formatBytes(content.length)}</span>
          </summary>
          <pre>{content}</pre>
        </details>
      ))}
      {role === "user" ? (
        <p class="plain-text">{text}</p>
      ) : (
        <MessageText text={text} isGrowing={false} />
      )}
      {status === "incomplete" && <p class="turn-note">Stopped before its end.</p>}
      <div class="turn-foot">
        {facts !== null && <AnswerFigures facts={facts} />}
        <TurnTools turn={turn} session={session} isLast={isLast} />
      </div>
    </article>
  );
}

async function openBranch(conversationId: string, afterItemId: string): Promise<void> {
  const created = await branchConversation(conversationId, afterItemId);
  void chatState().list.refresh();
  navigate({ view: "chat", id: created.id });
}

function TurnTools({ turn, session, isLast }: TurnViewProps): JSX.Element {
  const { isBusy, error, run } = useAct();
  const { id } = session;
  const { itemId } = turn;
  return (
    <>
      <div class="turn-tools">
        <CopyButton text={turn.text} label="Copy message" />
        {id !== null && itemId !== null && (
          <button
            type="button"
            class="button button-quiet button-small"
            disabled={isBusy}
            title="A new conversation that goes on from here"
            onClick={() => run(() => openBranch(id, itemId))}
          >
            <Icon name="branch" /> Branch
          </button>
        )}
        {isLast && session.canRegenerate.value && (
          <button
            type="button"
            class="button button-quiet button-small"
            onClick={() => void session.regenerate()}
          >
            <Icon name="again" /> Regenerate
          </button>
        )}
        {isLast && session.canContinue.value && (
          <button
            type="button"
            class="button button-quiet button-small"
            onClick={() => void session.continueAnswer()}
          >
            <Icon name="play" /> Continue
          </button>
        )}
      </div>
      {error !== null && <ErrorNotice error={error} />}
    </>
  );
}
