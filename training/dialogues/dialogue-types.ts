// The shapes every skill shares: a message, and an exchange, which is one
// user turn with its model answer and the rule by which an answer is scored.

export type Role = "system" | "user" | "assistant" | "tool";

export type Message = { role: Role; content: string };

export type Exchange = {
  skill: string;
  user: string;
  assistant: string;
  /** How much the answer counts in training; exact skills above free prose. */
  weight: number;
  accepts(answer: string): boolean;
};

export function messagesOf(exchanges: readonly Exchange[]): Message[] {
  return exchanges.flatMap((exchange): Message[] => [
    { role: "user", content: exchange.user },
    { role: "assistant", content: exchange.assistant },
  ]);
}
