import { describe, expect, test } from "vitest";

import { tracingOptions } from "./tracing-options.ts";
import type { TracingSources } from "./tracing-options.ts";

function options(sources: Partial<TracingSources>): ReturnType<typeof tracingOptions> {
  return tracingOptions({ endpoint: null, sampleShare: null, environment: {}, ...sources });
}

describe("where traces go", () => {
  test("nowhere unless somebody says so", () => {
    expect(options({})).toBeNull();
    const environment = { OTEL_SDK_DISABLED: "true" };
    expect(options({ endpoint: "http://a/x", environment })).toBeNull();
    expect(
      options({ endpoint: "http://a/x", environment: { OTEL_TRACES_EXPORTER: "none" } }),
    ).toBeNull();
  });

  test("the address of traces is taken as it is; a collector's gets the usual path", () => {
    expect(options({ endpoint: "http://a:1/x" })?.url).toBe("http://a:1/x");
    expect(options({ endpoint: "http://a:4318" })?.url).toBe("http://a:4318/v1/traces");
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: "https://b/otlp/" };
    expect(options({ environment })?.url).toBe("https://b/otlp/v1/traces");
    expect(options({ endpoint: "http://a/x", environment })?.url).toBe("http://a/x");
  });

  test("what is no address, and gRPC, are refused with a remedy", () => {
    expect(() => options({ endpoint: "a:4317" })).toThrow("is no address");
    const environment = { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
    expect(() => options({ endpoint: "http://a", environment })).toThrow("not over gRPC");
  });
});

function shareOf(
  environment: TracingSources["environment"],
  sampleShare: number | null = null,
): number | undefined {
  return options({ endpoint: "http://a", environment, sampleShare })?.sampleShare;
}

test("the share of traces: our setting, else the sampler that is named, else all", () => {
  const ratio = { OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.1" };
  expect(shareOf({})).toBe(1);
  expect(shareOf(ratio)).toBe(0.1);
  expect(shareOf(ratio, 0.5)).toBe(0.5);
  expect(shareOf({ OTEL_TRACES_SAMPLER: "always_off" })).toBe(0);
  expect(shareOf({ ...ratio, OTEL_TRACES_SAMPLER_ARG: "much" })).toBe(1);
});
