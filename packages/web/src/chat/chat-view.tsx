// The chat.

import type { JSX } from "preact";

export function ChatView({
  conversationId,
}: {
  readonly conversationId: string | null;
}): JSX.Element {
  return <h1>{conversationId ?? "New conversation"}</h1>;
}
