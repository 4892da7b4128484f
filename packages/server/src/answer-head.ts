// What every answer of one request begins with.

import { createHash } from "node:crypto";
import type { ServerContext } from "./server-context.ts";

export interface AnswerHead {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly system_fingerprint: string;
}

/** `prefix` is OpenAI's for the kind of answer: `chatcmpl` or `cmpl`. */
export function answerHead(context: ServerContext, prefix: string, model?: string): AnswerHead {
  const { entropy, clock, version } = context;
  const identity = `${version}\n${context.model.id}\n${context.model.createdUnixSeconds}`;
  const fingerprint = createHash("sha256").update(identity).digest("hex").slice(0, 12);
  return {
    id: `${prefix}-${entropy.hex(12)}`,
    created: clock.unixSeconds(),
    model: model ?? context.model.id,
    system_fingerprint: `loci_${fingerprint}`,
  };
}
