// Settings of what is told to those who watch: traces, and the names of metrics.

export const tracingSettings = {
  otlpTracesEndpoint: {
    flag: "otlp-traces-endpoint",
    kind: "text",
    default: null,
    group: "Observability",
    description:
      "address of a collector that takes traces as OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces; without it none are made",
    aliases: [],
    environment: ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"],
  },
  traceSampleShare: {
    flag: "trace-sample-share",
    kind: "number",
    default: null,
    group: "Observability",
    description:
      "share of the traces beginning here that are recorded; by default what OTEL_TRACES_SAMPLER says, else all",
    aliases: [],
    min: 0,
    max: 1,
  },
  metricsCompat: {
    flag: "metrics-compat",
    kind: "choice",
    default: "none",
    group: "Observability",
    description: "vllm: /metrics also has the names that vLLM has, for tools that know only those",
    aliases: [],
    choices: ["none", "vllm"],
  },
} as const;
