// An inspected model as lines for a person.

import { oneLine } from "../terminal/safe-text.ts";
import { formatBytes } from "../terminal/units.ts";
import type { InspectReport } from "./inspect-model.ts";

type Row = readonly [label: string, value: string];

/** The report as text; `withTensors` adds a line for each tensor. */
export function formatReport(report: InspectReport, withTensors: boolean): string {
  const rows = [...modelRows(report), ...shapeRows(report), ...textRows(report)];
  const width = Math.max(...rows.map(([label]) => label.length));
  const lines = rows.map(([label, value]) => `${label.padEnd(width)}  ${oneLine(value)}`);
  for (const problem of report.problems) lines.push(`Cannot be served: ${oneLine(problem)}`);
  if (withTensors) lines.push("", ...tensorLines(report));
  return `${lines.join("\n")}\n`;
}

function modelRows(report: InspectReport): readonly Row[] {
  const { architecture, quantisation, parameters, bitsPerParameter } = report;
  const bits = `${bitsPerParameter.toFixed(2)} bits each`;
  const mix = quantisation.map(({ type, bytes, tensors }) => {
    return `${type} (${tensors} tensors, ${formatBytes(bytes)})`;
  });
  return [
    ["Model", report.name],
    [
      "File",
      `${report.path} (${formatBytes(report.fileBytes)}, GGUF version ${report.ggufVersion})`,
    ],
    ["Architecture", `${architecture ?? "none"}${report.supported ? ", supported" : ""}`],
    ["Parameters", `${formatCount(parameters)}, ${bits}`],
    ["Weights", mix.length === 0 ? "none" : mix.join(", ")],
  ];
}

function shapeRows(report: InspectReport): readonly Row[] {
  const { shape, kvBytesPerToken } = report;
  const rows: Row[] = [];
  const add = (label: string, value: number | string | null): void => {
    if (value !== null) rows.push([label, String(value)]);
  };
  add("Context", shape.contextTokens === null ? null : `${shape.contextTokens} tokens`);
  add("Layers", shape.layers);
  add("Embedding", shape.embedding);
  add("Feed forward", shape.feedForward);
  if (shape.heads !== null) {
    const kv = typeof shape.kvHeads === "object" ? shape.kvHeads?.join("/") : shape.kvHeads;
    add("Heads", `${shape.heads} of ${shape.headSize ?? "?"}, ${kv ?? "?"} for keys and values`);
  }
  add("Sliding window", shape.slidingWindow);
  if (shape.experts) add("Experts", `${shape.experts}, ${shape.expertsUsed ?? "?"} used`);
  add("RoPE base", shape.ropeFrequencyBase);
  add("RoPE scaling", shape.ropeScaling);
  if (kvBytesPerToken !== null) {
    const { f16, q8_0: q8 } = kvBytesPerToken;
    const context = shape.contextTokens;
    const whole = context === null ? "" : `; ${formatBytes(f16 * context)} for a full context`;
    add("KV per token", `${formatBytes(f16)} in f16, ${formatBytes(q8)} in q8_0${whole}`);
  }
  return rows;
}

function textRows(report: InspectReport): readonly Row[] {
  const { vocabulary, chatTemplate } = report;
  const rows: Row[] = [];
  if (vocabulary === null) rows.push(["Vocabulary", "none"]);
  else {
    const { tokenizer, preTokenizer, tokens, bos, eos } = vocabulary;
    const rules = preTokenizer === null ? tokenizer : `${tokenizer}, ${preTokenizer}`;
    rows.push(["Vocabulary", `${tokens} tokens (${rules})`]);
    if (bos !== null) rows.push(["Begins with", bos]);
    if (eos !== null) rows.push(["Ends with", eos]);
  }
  if (chatTemplate === null) rows.push(["Chat template", "none"]);
  else {
    const { characters, tools, toolCallFormat, systemMessage, thinking } = chatTemplate;
    const features = [
      systemMessage ? "system message" : "",
      tools ? `tools (${toolCallFormat})` : "",
      thinking ? "thinking" : "",
    ].filter((feature) => feature !== "");
    rows.push(["Chat template", [`${characters} characters`, ...features].join(", ")]);
  }
  return rows;
}

function tensorLines(report: InspectReport): readonly string[] {
  const tensors = report.tensors.map((tensor) => ({ ...tensor, name: oneLine(tensor.name) }));
  const width = Math.max(0, ...tensors.map(({ name }) => name.length));
  return tensors.map(({ name, type, dimensions, bytes }) => {
    return `${name.padEnd(width)}  ${type.padEnd(7)}  ${dimensions.join(" x ")}  ${formatBytes(bytes)}`;
  });
}

function formatCount(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)} billion`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} million`;
  return String(count);
}
