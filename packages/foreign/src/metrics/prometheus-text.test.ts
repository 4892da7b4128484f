import { describe, expect, it } from "vitest";
import { readGauges, unknownGauges } from "./engine-gauges.ts";
import { readMetrics } from "./prometheus-text.ts";

function read(text: string, name: string): readonly (readonly [string, number])[] {
  const samples = readMetrics(text, new Set([name])).get(name) ?? [];
  return samples.map(({ labels, value }) => [JSON.stringify(Object.fromEntries(labels)), value]);
}

describe("readMetrics", () => {
  it("reads values with and without labels, time stamps and spaces", () => {
    const text = [
      "# HELP a says a 7",
      "# TYPE a gauge",
      "a 1",
      'a{x="1"} 2.5 1395066363000',
      'a{ x = "1" , y="2", } 3e2',
      "  a\t-4",
      "ab 9",
      'b{a="1"} 8',
    ].join("\n");
    expect(read(text, "a")).toEqual([
      ["{}", 1],
      ['{"x":"1"}', 2.5],
      ['{"x":"1","y":"2"}', 300],
      ["{}", -4],
    ]);
  });

  it("reads what labels escape", () => {
    expect(read(String.raw`a{x="q\"} 5 \\ \n"} 6`, "a")).toEqual([
      [JSON.stringify({ x: 'q"} 5 \\ \n' }), 6],
    ]);
  });

  it("knows infinities and NaN", () => {
    const values = read("a +Inf\na -Inf\na NaN\n", "a").map(([, value]) => value);
    expect(values).toEqual([Infinity, -Infinity, Number.NaN]);
  });

  it("passes over what is malformed", () => {
    const text = ["a", "a{", 'a{x="1"', "a{x=1} 2", 'a{x="1" y="2"} 2', "a 1.2.3", "a 0x10"];
    expect(read(text.join("\n"), "a")).toEqual([]);
  });
});

describe("readGauges", () => {
  it("reads a scrape of vLLM, its ranks added up", () => {
    const text = [
      'vllm:num_requests_running{engine="0",model_name="m"} 3.0',
      'vllm:num_requests_running{engine="1",model_name="m"} 4.0',
      'vllm:num_requests_waiting{engine="0",model_name="m"} 2.0',
      'vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.2',
      'vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.4',
      'vllm:cache_config_info{block_size="16",engine="0",num_gpu_blocks="7000"} 1.0',
      "process_start_time_seconds 1.76e+09",
    ].join("\n");
    const gauges = readGauges(text);
    expect(gauges.kvUsage).toBeCloseTo(0.3);
    expect({ ...gauges, kvUsage: null }).toEqual({
      requestsRunning: 7,
      requestsWaiting: 2,
      kvUsage: null,
      kvBlocksTotal: 7000,
      blockTokens: 16,
      startedUnixSeconds: 1.76e9,
    });
  });

  it("reads vLLM's older name, SGLang and llama-server", () => {
    expect(readGauges("vllm:gpu_cache_usage_perc 0.5").kvUsage).toBe(0.5);
    const sglang = "sglang:num_running_reqs 2\nsglang:num_queue_reqs 1\nsglang:token_usage 0.25\n";
    expect(readGauges(sglang)).toMatchObject({ requestsRunning: 2, requestsWaiting: 1 });
    expect(readGauges(sglang).kvUsage).toBe(0.25);
    const llama = "llamacpp:requests_processing 1\nllamacpp:requests_deferred 5\n";
    expect(readGauges(llama)).toMatchObject({ requestsRunning: 1, requestsWaiting: 5 });
  });

  it("says nothing where nothing is said", () => {
    expect(readGauges("other 1\n")).toEqual(unknownGauges);
    expect(readGauges("vllm:num_requests_running NaN\n").requestsRunning).toBeNull();
  });
});
