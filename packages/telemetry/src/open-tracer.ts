// Traces where somebody asked for them; the SDK is loaded only then.

import { noTracer } from "./span.ts";
import type { Tracer } from "./span.ts";
import type { OtlpTracerParts } from "./otlp-tracer.ts";
import { tracingOptions } from "./tracing-options.ts";
import type { TracingSources } from "./tracing-options.ts";

export interface OpenTracerParts extends Omit<OtlpTracerParts, "options"> {
  readonly sources: TracingSources;
}

/** Throws config_invalid for an endpoint that cannot be. */
export async function openTracer({ sources, ...parts }: OpenTracerParts): Promise<Tracer> {
  const options = tracingOptions(sources);
  if (options === null) return noTracer;
  const { OtlpTracer } = await import("./otlp-tracer.ts");
  return new OtlpTracer({ ...parts, options });
}
