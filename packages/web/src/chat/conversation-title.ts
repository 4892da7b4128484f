// What a conversation is called.

import type { Conversation } from "../api/conversations-api.ts";

/** As long as the server keeps texts of metadata short. */
export const titleCharsMax = 120;

export function titleOf(conversation: Conversation | null): string {
  if (conversation === null) return "New chat";
  return conversation.metadata["title"] || conversation.title || "Untitled";
}
