// Command line: scores a served model on the evaluation set, decoded greedily,
// through its OpenAI-compatible API. Exits with 1 when a skill misses its bar.
// node training/score.ts --url http://127.0.0.1:8080 [--model NAME] [--per-skill 50] [--seed 77] [--failures] [--json]

import { parseArgs } from "node:util";
import type { EvaluationCase } from "./dialogues/evaluation.ts";
import { evaluationCases, SKILL_BARS } from "./dialogues/evaluation.ts";

type SkillScore = {
  skill: string;
  right: number;
  cases: number;
  percent: number;
  bar: number;
  pass: boolean;
};
type Failure = { skill: string; asked: string; answer: string; reference: string };

const PARALLEL_REQUESTS = 4;
const LONGEST_ANSWER = 700;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function contentOf(reply: unknown): string {
  const choices = isRecord(reply) ? reply["choices"] : undefined;
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
  const message = isRecord(choice) ? choice["message"] : undefined;
  const content = isRecord(message) ? message["content"] : undefined;
  if (typeof content === "string") return content;
  throw new Error(`no answer in ${JSON.stringify(reply).slice(0, 300)}`);
}

function print(line: string): void {
  process.stdout.write(`${line}
`);
}

async function answer(url: string, model: string, one: EvaluationCase): Promise<string> {
  const response = await fetch(new URL("/v1/chat/completions", url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model,
      messages: one.messages,
      temperature: 0,
      max_tokens: LONGEST_ANSWER,
    }),
  });
  if (!response.ok) throw new Error(`${String(response.status)} ${await response.text()}`);
  return contentOf(await response.json());
}

function scoresOf(counts: ReadonlyMap<string, { right: number; cases: number }>): SkillScore[] {
  return [...counts].map(([skill, { right, cases }]) => {
    const percent = Math.round((1000 * right) / cases) / 10;
    const bar = SKILL_BARS[skill] ?? 0;
    return { skill, right, cases, percent, bar, pass: percent >= bar };
  });
}

function printTable(scores: readonly SkillScore[]): void {
  print("skill              right   cases  percent    bar");
  for (const { skill, right, cases, percent, bar, pass } of scores) {
    const columns = [
      String(right).padStart(5),
      String(cases).padStart(7),
      percent.toFixed(1).padStart(8),
      String(bar).padStart(6),
    ];
    print(`${skill.padEnd(18)} ${columns.join(" ")}  ${pass ? "" : "missed"}`);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      url: { type: "string", default: "http://127.0.0.1:8080" },
      model: { type: "string", default: "loci-demo" },
      "per-skill": { type: "string", default: "50" },
      seed: { type: "string", default: "77" },
      failures: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const queue = evaluationCases(Number(values.seed), Number(values["per-skill"]));
  const counts = new Map<string, { right: number; cases: number }>();
  for (const { skill } of queue) counts.set(skill, { right: 0, cases: 0 });
  const failures: Failure[] = [];
  const worker = async (): Promise<void> => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
      const said = await answer(values.url, values.model, one);
      const count = counts.get(one.skill) ?? { right: 0, cases: 0 };
      count.cases += 1;
      if (one.accepts(said)) count.right += 1;
      else
        failures.push({
          skill: one.skill,
          asked: one.messages.at(-1)?.content ?? "",
          answer: said,
          reference: one.reference,
        });
      counts.set(one.skill, count);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_REQUESTS }, worker));
  const scores = scoresOf(counts);
  const pass = scores.every((score) => score.pass);
  if (values.failures) for (const failure of failures) print(JSON.stringify(failure));
  printTable(scores);
  print(pass ? "every bar is met" : "some bars are missed");
  if (values.json) print(JSON.stringify({ seed: Number(values.seed), scores, pass }));
  process.exitCode = pass ? 0 : 1;
}

await main();
