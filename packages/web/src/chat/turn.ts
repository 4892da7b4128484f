// A conversation as it is shown: one turn for each item, with what is known of how it was answered.

import type { ConversationItem, TextPart } from "../api/conversations-api.ts";
import { parseAttachment, type Attachment } from "./attachment.ts";

export type TurnRole = "user" | "assistant" | "system" | "tool";

export type TurnStatus = "completed" | "incomplete" | "failed";

/** What an answer cost, as far as this browser has seen it. */
export interface AnswerFacts {
  readonly responseId: string;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly generatedTokens: number;
  /** From sending to the first text; null when it was not watched. */
  readonly firstTextMs: number | null;
  readonly tokensPerSecond: number | null;
}

export interface Turn {
  /** Names it in the list; the item's id once there is one. */
  readonly key: string;
  /** Null: not kept by the server yet. */
  readonly itemId: string | null;
  readonly role: TurnRole;
  readonly text: string;
  readonly attachments: readonly Attachment[];
  readonly status: TurnStatus;
  readonly facts: AnswerFacts | null;
}

/** The item as a turn; null for items that show nothing. */
export function turnOf(item: ConversationItem, facts: AnswerFacts | null): Turn | null {
  const base = { key: item.id, itemId: item.id, facts, status: statusOf(item) };
  if (item.type === "message") {
    const parts = partsOf(item.content);
    const role = roleOf(item.role);
    const attachments = role === "user" ? parts.flatMap((part) => parseAttachment(part) ?? []) : [];
    const shown = role === "user" ? parts.filter((part) => parseAttachment(part) === null) : parts;
    return { ...base, role, text: shown.join("\n"), attachments };
  }
  if (item.type === "function_call") {
    const text = `\`${item.name ?? ""}\`\n\n${fenced(item.arguments ?? "", "json")}`;
    return { ...base, role: "tool", text, attachments: [] };
  }
  if (item.type === "function_call_output") {
    const text = fenced(partsOf(item.output).join("\n"), "");
    return { ...base, role: "tool", text, attachments: [] };
  }
  return null;
}

/** The words of a message, part by part. */
export function partsOf(content: string | readonly TextPart[] | undefined): readonly string[] {
  if (content === undefined) return [];
  if (typeof content === "string") return [content];
  return content.map(({ text, refusal }) => text ?? refusal ?? "");
}

function statusOf({ status }: ConversationItem): TurnStatus {
  return status === "incomplete" || status === "in_progress" ? "incomplete" : "completed";
}

function roleOf(role: string | undefined): TurnRole {
  if (role === "assistant" || role === "user") return role;
  return "system";
}

function fenced(text: string, language: string): string {
  const runs = text.match(/`{3,}/g) ?? [];
  const fence = "`".repeat(Math.max(3, ...runs.map((run) => run.length + 1)));
  return `${fence}${language}\n${text}\n${fence}`;
}
