// Whether spans are exported, and where to: our own settings first, then the variables that
// OpenTelemetry's specification names.

import { LociError } from "@loci/core";

export interface TracingSources {
  /** Of the traces themselves; null where it was not set. */
  readonly endpoint: string | null;
  /** Of traces that begin here; null where it was not set. */
  readonly sampleShare: number | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface TracingOptions {
  readonly url: string;
  /** Share of the traces that begin here; traces that began elsewhere go on as they came. */
  readonly sampleShare: number;
}

const tracesPath = "/v1/traces";

/** Null: nobody asked for traces. Throws config_invalid for what is no address, or for gRPC. */
export function tracingOptions(sources: TracingSources): TracingOptions | null {
  const { endpoint, environment } = sources;
  if (environment["OTEL_SDK_DISABLED"]?.toLowerCase() === "true") return null;
  if (environment["OTEL_TRACES_EXPORTER"] === "none") return null;
  const common = environment["OTEL_EXPORTER_OTLP_ENDPOINT"] || null;
  if (endpoint === null && common === null) return null;
  requireHttp(environment);
  const sampleShare = sources.sampleShare ?? sampledShare(environment);
  if (endpoint === null) {
    const base = urlOf(common ?? "");
    base.pathname = `${base.pathname.replace(/\/$/, "")}${tracesPath}`;
    return { url: base.href, sampleShare };
  }
  const url = urlOf(endpoint);
  // Nobody collects at the root: it is the collector that was named.
  if (url.pathname === "/") url.pathname = tracesPath;
  return { url: url.href, sampleShare };
}

function urlOf(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new LociError("config_invalid", `'${text}' is no address to send traces to.`, {
    remedy: "For example: --otlp-traces-endpoint http://127.0.0.1:4318/v1/traces",
  });
}

function requireHttp(environment: TracingSources["environment"]): void {
  const protocol =
    environment["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] ?? environment["OTEL_EXPORTER_OTLP_PROTOCOL"];
  if (protocol !== "grpc") return;
  throw new LociError("config_invalid", "Traces are sent over HTTP, not over gRPC.", {
    remedy: "Set OTEL_EXPORTER_OTLP_PROTOCOL=http/json and the collector's HTTP port (4318).",
  });
}

function sampledShare(environment: TracingSources["environment"]): number {
  const sampler = environment["OTEL_TRACES_SAMPLER"] ?? "";
  if (sampler.endsWith("always_off")) return 0;
  if (!sampler.endsWith("traceidratio")) return 1;
  const share = Number(environment["OTEL_TRACES_SAMPLER_ARG"] || "1");
  return share >= 0 && share <= 1 ? share : 1;
}
