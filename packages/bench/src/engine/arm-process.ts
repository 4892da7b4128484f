// An arm seen from the benchmark: a child process on its cores that answers questions.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { LociError } from "@loci/core";
import { killAtExit } from "../load/server-process.ts";
import { pinned } from "../measure/pinning.ts";
import { treeCost } from "../measure/process-cpu.ts";
import type { ArmAnswer, ArmQuestion } from "./arm-protocol.ts";
import type { ArmOptions, EngineArm, EngineArmName } from "./engine-arm.ts";

export interface ArmProcess extends EngineArm {
  readonly name: EngineArmName;
  /** Makes a fresh engine with this room. */
  prepare(options: ArmOptions): Promise<void>;
  /** Processor seconds so far; null where the system does not tell. */
  cpuSeconds(): number | null;
}

/** Starts the process; it does nothing until `prepare`. */
export function startArm(name: EngineArmName, cores: string | null): ArmProcess {
  const worker = fileURLToPath(new URL("arm-worker.ts", import.meta.url));
  const [program, args] = pinned(cores, process.execPath, [worker]);
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  killAtExit(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (question: ArmQuestion): Promise<number> => {
    child.stdin.write(`${JSON.stringify(question)}\n`);
    const line = await lines.next();
    if (line.done === true) throw new LociError("unavailable", `The process of ${name} ended.`);
    const answer: ArmAnswer = JSON.parse(line.value);
    if (!answer.ok) throw new LociError("unavailable", `${name}: ${answer.error}`);
    return answer.seconds;
  };
  return {
    name,
    prepare: async (options) => {
      await ask({ kind: "prepare", arm: name, ...options });
    },
    prefill: (depth, tokens) => ask({ kind: "prefill", depth, tokens }),
    decode: (sequences, depth, steps) => ask({ kind: "decode", sequences, depth, steps }),
    cpuSeconds: () => (child.pid === undefined ? null : (treeCost(child.pid)?.cpuSeconds ?? null)),
    [Symbol.dispose]: () => {
      child.kill("SIGKILL");
    },
  };
}
