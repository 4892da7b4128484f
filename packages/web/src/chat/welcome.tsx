// Before the first message.

import type { JSX } from "preact";
import { hrefOf } from "../routing/route.ts";
import type { OpenChat } from "./open-chat.ts";

const examples: readonly string[] = [
  "Tell me a short story about a lighthouse.",
  "Write a list of three colours as a table.",
  "Explain in two sentences what a cache is.",
];

export function Welcome({ session }: { readonly session: OpenChat }): JSX.Element {
  const send = (text: string): void => {
    session.draft.value = { text, attachments: [] };
    void session.send();
  };
  return (
    <div class="pane-body">
      <div class="welcome">
        <h2>What is on your mind?</h2>
        <p class="soft">
          The server keeps what it has read: the next turn of a conversation starts where the last
          one ended. <a href={hrefOf({ view: "memory" })}>Watch its memory</a> meanwhile.
        </p>
        <ul>
          {examples.map((text) => (
            <li key={text}>
              <button type="button" class="button" onClick={() => send(text)}>
                {text}
              </button>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
