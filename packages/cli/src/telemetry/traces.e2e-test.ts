// One trace over real processes: the client's span, the router's, its attempts, and the workers' phases,
// as a collector receives them.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { ClusterSnapshot } from "@loci/core";
import { bundledModelPath } from "@loci/host";
import { OtlpReceiver } from "@loci/telemetry/testing";
import type { ReceivedSpan } from "@loci/telemetry/testing";
import { afterEach, expect, test } from "vitest";

import { LociProcess } from "../testing/loci-process.ts";
import { streamCompletion } from "../testing/stream-completion.ts";

const timeout = 90_000;
const traceId = "0af7651916cd43dd8448eb211c80319c";
const callerSpan = "b7ad6b7169203331";
const sentinel = "xylophone-quartz";
const routerWords = [
  ..."router --worker-engine loci --served-model-name loci-demo --store none".split(" "),
  ..."--log-format json --log-level debug --admin-port 0 --tokenizer".split(" "),
  bundledModelPath(),
];
const running: AsyncDisposable[] = [];

afterEach(async () => {
  for (const each of running.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

function start(words: readonly string[], environment: Record<string, string>): LociProcess {
  const process = new LociProcess(words, { environment });
  running.push(process);
  return process;
}

/** A router before two workers, all of which tell one collector. */
async function startFleet(receiver: OtlpReceiver): Promise<{
  readonly url: string;
  readonly router: LociProcess;
  readonly workers: readonly LociProcess[];
}> {
  const folder = await mkdtemp(join(tmpdir(), "loci-traces-"));
  running.push({ [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) });
  const key = join(folder, "key");
  await writeFile(key, "a-secret-of-the-cluster", { mode: 0o600 });
  const environment = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: receiver.url };
  const common = ["--port", "0", "--cluster-key-file", key];
  const workers = ["w1", "w2"].map((id) =>
    start(
      [
        "worker",
        "--worker-id",
        id,
        "--threads",
        "1",
        "--kv-memory",
        "64MiB",
        "--log-level",
        "debug",
        ...common,
      ],
      environment,
    ),
  );
  const urls = await Promise.all(
    workers.map(async (worker) => (await worker.sees(/at (http:\/\/\S+)/))[1] ?? ""),
  );
  const router = start(
    [...routerWords, ...urls.flatMap((url) => ["--worker-url", url]), ...common],
    environment,
  );
  const match = await router.sees(/"url":"(http:[^"]+)"/);
  return { url: match[1] ?? "", router, workers };
}

/** Ends who has the only request. */
async function killHolder(adminUrl: string, processes: readonly LociProcess[]): Promise<void> {
  const answer = await fetch(adminUrl);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what our own server sends
  const { workers } = (await answer.json()) as ClusterSnapshot;
  const holder = workers.find(({ requests }) => requests > 0)?.id ?? "";
  processes[Number(holder.slice(1)) - 1]?.kill("SIGKILL");
}

/** From a span up to the one that has no parent among those received. */
function lineage(receiver: OtlpReceiver, span: ReceivedSpan | undefined): readonly string[] {
  if (span === undefined) return [];
  const parent = receiver.spans.find(({ spanId }) => spanId === span.parentSpanId);
  return [span.name, ...lineage(receiver, parent)];
}

test(
  "a trace goes from the client's span through the router to the worker's phases",
  async () => {
    await using receiver = await OtlpReceiver.open();
    const { url, router, workers } = await startFleet(receiver);
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        traceparent: `00-${traceId}-${callerSpan}-01`,
      },
      body: JSON.stringify({
        messages: [{ role: "user", content: sentinel }],
        max_tokens: 8,
        ignore_eos: true,
        stop: [`${sentinel} stop`],
      }),
    });
    expect(answer.status).toBe(200);
    await receiver.until(
      () => receiver.named("decode").length > 0 && receiver.named("chat loci-demo").length > 0,
    );
    const [decode] = receiver.named("decode");
    expect(lineage(receiver, decode)).toEqual([
      "decode",
      "worker generate",
      "attempt",
      "chat loci-demo",
      "POST /v1/chat/completions",
    ]);
    const [http] = receiver.named("POST /v1/chat/completions");
    expect(http).toMatchObject({ parentSpanId: callerSpan, kind: 2 });
    expect(http?.attributes["http.response.status_code"]).toBe(200);
    expect(new Set(receiver.spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
    const [chat] = receiver.named("chat loci-demo");
    expect(chat?.attributes).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.request.model": "loci-demo",
      "gen_ai.usage.output_tokens": 8,
      "gen_ai.response.finish_reasons": ["length"],
    });
    const [placement] = receiver.named("placement");
    expect(placement?.parentSpanId).toBe(chat?.spanId);
    expect(placement?.attributes["loci.worker.id"]).toMatch(/^w[12]$/);
    const [worker] = receiver.named("worker generate");
    expect(worker?.instance).toBe(placement?.attributes["loci.worker.id"]);
    // Names and numbers, never what was said.
    const told = [router, ...workers].map(({ out, err }) => out + err);
    expect([...told, ...receiver.bodies].join("")).not.toContain(sentinel);
    // The log line of the request names its trace.
    const line = await router.sees(new RegExp(`^.*"traceId":"${traceId}".*$`, "m"));
    expect(JSON.parse(line[0])).toMatchObject({ route: "/v1/chat/completions", status: 200 });
    expect(line[0]).toContain('"reqId"');
  },
  timeout,
);

test(
  "an answer that outlives its worker is one trace with two attempts",
  async () => {
    await using receiver = await OtlpReceiver.open();
    const { url, router, workers } = await startFleet(receiver);
    const [, admin = ""] = await router.sees(/admin at (http:[^"]+)/);
    const body = { prompt: "One day", max_tokens: 900, ignore_eos: true, temperature: 0 };
    const killed: Promise<void>[] = [];
    const answer = await streamCompletion(url, body, (tokens) => {
      if (tokens >= 40 && killed.length === 0) killed.push(killHolder(admin, workers));
    });
    await Promise.all(killed);
    expect(killed).toHaveLength(1);
    expect(answer.tokenIds).toHaveLength(900);
    // The last span to end is the stream's.
    await receiver.until(() => receiver.named("POST /v1/completions").length > 0);
    const [whole] = receiver.named("text_completion loci-demo");
    const attempts = receiver.named("attempt");
    expect(attempts.map(({ status }) => status)).toEqual([2, 0]);
    expect(receiver.named("placement")).toHaveLength(2);
    expect(whole?.parentSpanId).toBe(receiver.named("POST /v1/completions")[0]?.spanId);
    for (const attempt of attempts) expect(attempt.parentSpanId).toBe(whole?.spanId);
    expect(attempts[0]?.attributes["error.type"]).toBe("worker_lost");
    expect(Number(attempts[1]?.attributes["loci.delivered_tokens"])).toBeGreaterThanOrEqual(40);
    expect(whole?.attributes["gen_ai.usage.output_tokens"]).toBe(900);
  },
  timeout,
);
