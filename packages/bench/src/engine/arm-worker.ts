// The process of one arm: makes the engine it is told to, runs what it is asked, and waits idle in
// between. A process of its own, so that the two engines' threads never meet.

import { createInterface } from "node:readline";
import { assert, systemClock } from "@loci/core";
import type { ArmAnswer, ArmQuestion } from "./arm-protocol.ts";
import type { EngineArm } from "./engine-arm.ts";

let arm: EngineArm | null = null;

async function answer(question: ArmQuestion): Promise<number> {
  if (question.kind === "prepare") {
    arm?.[Symbol.dispose]();
    arm = await makeArm(question);
    return 0;
  }
  assert(arm !== null, "an arm is prepared first");
  return question.kind === "prefill"
    ? arm.prefill(question.depth, question.tokens)
    : arm.decode(question.sequences, question.depth, question.steps);
}

async function makeArm(question: ArmQuestion & { kind: "prepare" }): Promise<EngineArm> {
  // Each process loads the code of its own engine only.
  if (question.arm === "libllama") {
    const { LlamaArm } = await import("./llama-arm.ts");
    return new LlamaArm(question, systemClock);
  }
  const [{ LociArm }, { openRunner }] = await Promise.all([
    import("./loci-arm.ts"),
    import("./open-runner.ts"),
  ]);
  return new LociArm(await openRunner(question), question, systemClock);
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply: ArmAnswer;
  try {
    const question: ArmQuestion = JSON.parse(line);
    reply = { ok: true, seconds: await answer(question) };
  } catch (error) {
    reply = { ok: false, error: error instanceof Error ? (error.stack ?? error.message) : "" };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
