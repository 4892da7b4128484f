// What this package needs of NATS, in a few methods: tests put faults in between.

/** Takes a message; `reply` where its sender waits for answers. */
export type MessageHandler = (bytes: Uint8Array, reply: string | null) => void;

export interface Bus {
  /** Connected to a server now. */
  readonly isUp: boolean;
  /** False, and nothing happens, while there is no connection or too much waits to be sent. */
  publish(subject: string, bytes: Uint8Array): boolean;
  /** Resolves when everything published before has reached the server, or is lost; in 2 s at most. */
  flush(): Promise<void>;
  /** Holds over reconnects; the returned function ends it. */
  subscribe(subject: string, handler: MessageHandler): () => void;
  /** Shows the answers to a question, as they come, until one is enough or time is up. */
  ask(subject: string, bytes: Uint8Array, rules: AskRules): Promise<void>;
  /** What the stream keeps of a subject, oldest first; null when it cannot be had now. */
  replay(stream: string, subject: string): Promise<readonly Uint8Array[] | null>;
  /** Tells every change of `isUp`; the returned function ends that. */
  listen(listener: (isUp: boolean) => void): () => void;
}

export interface AskRules {
  readonly timeoutMs: number;
  /** Looks at every answer as it comes; true ends the wait. */
  isEnough(answer: Uint8Array): boolean;
}
