// The first span of a request: HTTP as it came and as it was answered. Everything that happens for the
// request runs within its scope. Probes, metrics and pages are not traced.

import { currentScope, noTracer, withinScope } from "@loci/telemetry";
import type { RequestScope, Span, Tracer } from "@loci/telemetry";

/** The parts of Fastify's application and of its requests that are needed here. */
interface HookedApp {
  addHook(
    name: "onRequest" | "onResponse",
    hook: (request: HttpRequest, reply: HttpReply, done: () => void) => void,
  ): unknown;
}

interface HttpRequest {
  readonly id: string;
  readonly method: string;
  readonly protocol: string;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly routeOptions: { readonly url?: string | undefined };
}

interface HttpReply {
  readonly raw: { readonly statusCode: number; readonly writableFinished: boolean };
}

const tracedPrefix = "/v1/";
const probes: ReadonlySet<string> = new Set(["/v1/health", "/v1/models"]);
const serverErrors = 500;

/** Before the first route is ready. Nothing is added where nobody traces. */
export function traceRequests(app: HookedApp, tracer: Tracer): void {
  if (tracer === noTracer) return;
  const spans = new WeakMap<HttpRequest, Span>();
  app.addHook("onRequest", (request, _reply, done) => {
    const route = request.routeOptions.url ?? "";
    if (!route.startsWith(tracedPrefix) || probes.has(route)) {
      done();
      return;
    }
    const span = startSpan(tracer, request, route);
    spans.set(request, span);
    // Engines that requests are passed on to as they are go on from here.
    if (span.traceparent !== null) request.headers["traceparent"] = span.traceparent;
    const operation = route === "/v1/completions" ? "text_completion" : "chat";
    withinScope({ span, operation }, done);
  });
  app.addHook("onResponse", (request, reply, done) => {
    const span = spans.get(request);
    spans.delete(request);
    if (span !== undefined) endSpan(span, reply);
    done();
  });
}

function startSpan(tracer: Tracer, request: HttpRequest, route: string): Span {
  const { traceparent } = request.headers;
  return tracer.start(`${request.method} ${route}`, {
    kind: "server",
    parent: typeof traceparent === "string" ? traceparent : null,
    attributes: {
      "http.request.method": request.method,
      "http.route": route,
      "url.scheme": request.protocol,
      "loci.http.request_id": request.id,
    },
  });
}

function endSpan(span: Span, { raw }: HttpReply): void {
  const { statusCode, writableFinished } = raw;
  span.set({ "http.response.status_code": statusCode });
  if (statusCode >= serverErrors) span.end(String(statusCode));
  else span.end(writableFinished ? null : "client_left");
}

/** For log lines: which trace they belong to. */
export function traceFields(): { readonly traceId?: string } {
  const traceId = scopeSpan(currentScope())?.traceId ?? null;
  return traceId === null ? {} : { traceId };
}

function scopeSpan(scope: RequestScope | null): Span | null {
  return scope?.span ?? null;
}
