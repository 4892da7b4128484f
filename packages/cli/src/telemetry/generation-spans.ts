// Spans of generations, in the words of OpenTelemetry's conventions for generative AI: one in the
// process that serves the API, one in the worker that computes. Attributes are numbers and names; what
// clients wrote, their stop strings included, is in none of them.

import { systemClock } from "@loci/core";
import type { GenerationRequest, GenerationService } from "@loci/core";
import { currentScope, noTracer, tracedService } from "@loci/telemetry";
import type { GenerationTracing, SpanAttributes, Tracer } from "@loci/telemetry";

/** In the process of the API. `onSpan`: see GenerationTracing. */
export function tracedApi<T extends GenerationService>(
  service: T,
  tracing: Pick<GenerationTracing, "tracer" | "withPhases" | "onSpan"> & { readonly model: string },
): T {
  const { model, ...rest } = tracing;
  if (rest.tracer === noTracer) return service;
  return tracedService(service, {
    ...rest,
    clock: systemClock,
    describe: (request) => {
      const scope = currentScope();
      const operation = scope?.operation ?? "chat";
      return {
        name: `${operation} ${model}`,
        kind: "internal",
        parent: scope?.span.traceparent ?? null,
        attributes: {
          "gen_ai.operation.name": operation,
          "gen_ai.response.id": answerId(request.id),
          ...modelAttributes(request, model),
        },
      };
    },
  });
}

/** In a worker's process: a part of what the router traces. */
export function tracedWorker<T extends GenerationService>(
  service: T,
  tracer: Tracer,
  facts: { readonly id: string; readonly model: string },
): T {
  if (tracer === noTracer) return service;
  return tracedService(service, {
    tracer,
    clock: systemClock,
    withPhases: true,
    describe: (request) => ({
      name: "worker generate",
      kind: "server",
      parent: request.traceparent ?? null,
      attributes: {
        "loci.worker.id": facts.id,
        "loci.delivered_tokens": request.deliveredTokens?.length ?? 0,
        ...modelAttributes(request, facts.model),
      },
    }),
  });
}

/** One answer to a client may be made of several generations. */
function answerId(requestId: string): string {
  return requestId.replace(/-\d+-\d+$/, "");
}

function modelAttributes(request: GenerationRequest, model: string): SpanAttributes {
  const { sampling, sessionKey } = request;
  return {
    "gen_ai.provider.name": "loci",
    "gen_ai.request.model": model,
    "gen_ai.response.model": model,
    "loci.request.id": request.id,
    "gen_ai.request.max_tokens": request.maxTokens,
    "gen_ai.request.temperature": sampling.temperature,
    "gen_ai.request.top_p": sampling.topP,
    "gen_ai.request.top_k": sampling.topK,
    "gen_ai.request.presence_penalty": sampling.presencePenalty,
    "gen_ai.request.frequency_penalty": sampling.frequencyPenalty,
    "gen_ai.request.seed": sampling.seed,
    ...(sessionKey !== undefined && { "gen_ai.conversation.id": sessionKey }),
  };
}
