// The worker's side of a chat template: compiles once, then renders one chat at a time. It is
// killed from outside when it takes too long, so it holds nothing worth keeping.
import { workerData, type MessagePort } from "node:worker_threads";
import { cpuMsOf } from "./job-watch.ts";
import { TemplateError, TemplateProgram, type InterpreterLimits } from "./template-interpreter.ts";

export interface TemplateWorkerData {
  readonly port: MessagePort;
  readonly source: string;
  readonly limits: InterpreterLimits;
}

export interface TemplateJob {
  readonly id: number;
  /** JSON text of the variables. */
  readonly variables: string;
  readonly unixSeconds: number;
}

/** Each says what the thread has used of a processor so far. */
export type TemplateReply = TemplateOutcome & { readonly cpuMs: number };

type TemplateOutcome =
  | { readonly kind: "ready" }
  | { readonly kind: "broken"; readonly reason: string }
  | { readonly kind: "rendered"; readonly id: number; readonly text: string }
  | { readonly kind: "failed"; readonly id: number; readonly reason: string };

// Undefined variables are looked up by a thrown error: without stack traces that is cheap.
Error.stackTraceLimit = 0;

const data: TemplateWorkerData = workerData;
const { port, source, limits } = data;

function reply(outcome: TemplateOutcome): void {
  const message: TemplateReply = { ...outcome, cpuMs: cpuMsOf(process.threadCpuUsage()) };
  port.postMessage(message);
}

/** What a template's failure may tell: its own words, never a stack or a path. */
function reasonOf(error: unknown): string {
  if (error instanceof TemplateError) return error.message;
  if (error instanceof RangeError) return "it is nested too deeply or builds too long a text";
  if (error instanceof TypeError) return "it uses a value in a way that is not possible";
  return error instanceof Error ? error.message : "it failed";
}

try {
  const program = new TemplateProgram(source, limits);
  port.on("message", (job: TemplateJob) => {
    try {
      const variables: Record<string, unknown> = JSON.parse(job.variables);
      reply({ kind: "rendered", id: job.id, text: program.render(variables, job.unixSeconds) });
    } catch (error) {
      reply({ kind: "failed", id: job.id, reason: reasonOf(error) });
    }
  });
  reply({ kind: "ready" });
} catch (error) {
  reply({ kind: "broken", reason: reasonOf(error) });
}
