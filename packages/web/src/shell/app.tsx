// The frame around everything: header, views, the key prompt.

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { ChatView } from "../chat/chat-view.tsx";
import { ErrorBoundary } from "../components/error-boundary.tsx";
import iconUrl from "../icon.svg";
import { hrefOf, lastChatId, route, type ViewName } from "../routing/route.ts";
import { KeyPrompt } from "./key-prompt.tsx";
import { LazyView } from "./lazy-view.tsx";
import { ThemeButton } from "./theme-button.tsx";

const viewTitles: readonly (readonly [ViewName, string])[] = [
  ["chat", "Chat"],
  ["memory", "Memory"],
  ["scheduling", "Scheduling"],
  ["cluster", "Cluster"],
  ["explain", "Explain"],
];

export function App(): JSX.Element {
  const { view, id } = route.value;
  const main = useRef<HTMLElement>(null);
  const lastView = useRef(view);
  useEffect(() => {
    document.title = `${viewTitles.find(([name]) => name === view)?.[1] ?? "Chat"} · loci`;
    // Who changes the view reads on at its beginning; the first view leaves the focus alone.
    if (lastView.current !== view) main.current?.focus();
    lastView.current = view;
  }, [view]);
  return (
    <div class="shell">
      <Header view={view} onSkip={() => main.current?.focus()} />
      <main ref={main} id="main" class="main" tabIndex={-1}>
        <ErrorBoundary key={view}>
          {view === "chat" ? (
            <ChatView conversationId={id} />
          ) : (
            <LazyView name={view} requestId={id} />
          )}
        </ErrorBoundary>
      </main>
      <KeyPrompt />
    </div>
  );
}

interface HeaderProps {
  readonly view: ViewName;
  readonly onSkip: () => void;
}

function Header({ view, onSkip }: HeaderProps): JSX.Element {
  return (
    <header class="header">
      {/* Not a plain "#main": what follows "#" is the route. */}
      <a
        class="skip-link"
        href={hrefOf({ view })}
        onClick={(event) => {
          event.preventDefault();
          onSkip();
        }}
      >
        Skip to content
      </a>
      <a class="brand" href={hrefOf({ view: "chat" })} aria-label="loci, to the chat">
        <img src={iconUrl} alt="" />
        <span>loci</span>
      </a>
      <nav aria-label="Views">
        <ul class="views">
          {viewTitles.map(([name, title]) => (
            <li key={name}>
              <a
                href={hrefOf({ view: name, id: name === "chat" ? lastChatId.value : null })}
                aria-current={name === view ? "page" : undefined}
              >
                {title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="header-end">
        <ThemeButton />
      </div>
    </header>
  );
}
