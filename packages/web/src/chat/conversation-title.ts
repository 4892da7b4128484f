// What a conversation is called.

import type { Conversation } from "../api/conversations-api.ts";

/** As long as the server keeps texts of metadata short. */
export const titleCharsMax = 120;
const shownCharsMax = 80;

export function titleOf(conversation: Conversation | null): string {
  if (conversation === null) return "New chat";
  return conversation.metadata["title"] || conversation.title || "Untitled";
}

/** The title; as long as the server has none, how the conversation begins. */
export function titleFrom(conversation: Conversation | null, firstText: string): string {
  const title = titleOf(conversation);
  const isNamed = title !== "Untitled" && conversation !== null;
  return isNamed || firstText === "" ? title : firstText.slice(0, shownCharsMax);
}
