// Every program by its name: a worker thread is told the name and the input.

import type { Program, ProgramContext } from "./program.ts";
import * as readers from "./readers.ts";
import * as writers from "./writers.ts";

type Programs = typeof readers & typeof writers;
const programs: Programs = { ...readers, ...writers };

export type ProgramName = keyof Programs;
export type ProgramInput<N extends ProgramName> = Parameters<Programs[N]>[0];
export type ProgramResult<N extends ProgramName> =
  ReturnType<Programs[N]> extends Program<infer T> ? T : never;

/** One call, as it travels to the thread or connection that runs it. */
export interface ProgramCall {
  readonly name: ProgramName;
  readonly input: unknown;
}

export function isReader(name: ProgramName): boolean {
  return name in readers;
}

/** Starts the program of a call. The call must have been made with the input of its name. */
export function startProgram(call: ProgramCall, context: ProgramContext): Program<unknown> {
  // Name and input were paired by `ProgramRunner.run`, whose types hold them together.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const start = programs[call.name] as (
    input: unknown,
    context: ProgramContext,
  ) => Program<unknown>;
  return start(call.input, context);
}

/** One opened database. Every run is a transaction; its promise resolves when it is durable. */
export interface ProgramRunner {
  run<N extends ProgramName>(name: N, input: ProgramInput<N>): Promise<ProgramResult<N>>;
  /** The database's own check of its structure. @throws LociError `storage_corrupt` */
  checkStructure(): Promise<void>;
  close(): Promise<void>;
}
