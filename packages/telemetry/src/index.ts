// Public names of the package: what is told of requests to whoever collects traces.

export { openTracer } from "./open-tracer.ts";
export { ProcessCaptures } from "./process-captures.ts";
export { currentScope, withinScope, type RequestScope } from "./request-scope.ts";
export {
  noTracer,
  type Span,
  type SpanAttributes,
  type SpanCounts,
  type SpanStart,
  type Tracer,
} from "./span.ts";
export { tracedService, withGenerate, type GenerationTracing } from "./traced-generation.ts";
