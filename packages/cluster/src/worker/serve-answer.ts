// One request in, its events out. Whatever happens is told in the stream, and its last line says how
// it ended; a stream without such a line was cut.

import { LociError, toLociError } from "@loci/core";
import type { GenerationRequest } from "@loci/core";
import { encodeError, encodeEvent, encodeNumbers } from "../wire/generation-lines.ts";
import type { GenerationBody } from "../wire/generation-body.ts";
import type { AnswerWriter } from "./answer-writer.ts";
import type { FetchedPrompt } from "./block-fetcher.ts";
import type { WorkerContext } from "./worker-context.ts";

/** Another worker takes the request at once; this one will not come back for it. */
const retryAfterSeconds = 1;

export async function serveAnswer(
  context: WorkerContext,
  writer: AnswerWriter,
  { request, fetch }: GenerationBody,
): Promise<void> {
  try {
    requireOpen(context);
    context.check(request);
    if (fetch !== null) await context.fetcher.fetch(fetchedPrompt(request), fetch, writer.gone);
    for await (const event of context.service.generate(request, writer.gone)) {
      if (event.type === "finished") await writer.write(encodeNumbers(context.reporter.numbers()));
      await writer.write(encodeEvent(event));
    }
  } catch (error) {
    if (!(error instanceof LociError)) context.onError(error);
    await tellError(writer, toLociError(error));
  }
}

/** The last line, unless nobody is there to read it. */
export async function tellError(writer: AnswerWriter, error: LociError): Promise<void> {
  if (writer.gone.aborted) return;
  try {
    await writer.write(encodeError(error));
  } catch {
    // The reader left in the same moment: there is nobody to tell.
  }
}

/** The router counts blocks over all that is known: the prompt, and what was delivered. */
function fetchedPrompt({
  tenant,
  promptTokens,
  deliveredTokens,
}: GenerationRequest): FetchedPrompt {
  if (deliveredTokens === undefined) return { tenant, promptTokens };
  const tokens = new Int32Array(promptTokens.length + deliveredTokens.length);
  tokens.set(promptTokens);
  tokens.set(deliveredTokens, promptTokens.length);
  return { tenant, promptTokens: tokens };
}

function requireOpen({ reporter, ready }: WorkerContext): void {
  if (!reporter.isDraining && ready()) return;
  const reason = reporter.isDraining ? "is ending" : "is not ready";
  throw new LociError("unavailable", `The worker ${reason}.`, { retryAfterSeconds });
}
