// The template language with a budget. Templates are programs inside a model file: this
// interpreter counts their steps and bounds every string they build, so that a hostile one ends
// with an error. What slips through between two steps is bounded by the worker it runs in.
import {
  Environment,
  Interpreter,
  parse,
  tokenize,
  type Program,
  type RuntimeValue,
} from "@huggingface/jinja";
import { formatDate } from "./calendar.ts";

export interface InterpreterLimits {
  /** Evaluated nodes of the program per rendering. */
  readonly stepsMax: number;
  /** Longest string at any moment, the result included; UTF-16 units. */
  readonly textUnitsMax: number;
}

const rangeItemsMax = 10_000;

/** A template's own complaint, or a budget that ran out. The message may be shown. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

class BudgetedInterpreter extends Interpreter {
  readonly #textUnitsMax: number;
  #stepsLeft: number;

  constructor(environment: Environment, limits: InterpreterLimits) {
    super(environment);
    this.#stepsLeft = limits.stepsMax;
    this.#textUnitsMax = limits.textUnitsMax;
  }

  override evaluate(node: Program | undefined, environment: Environment): RuntimeValue {
    if (--this.#stepsLeft < 0) throw new TemplateError("it takes too many steps");
    const result = super.evaluate(node, environment);
    if (typeof result.value === "string" && result.value.length > this.#textUnitsMax) {
      throw new TemplateError("its output is too long");
    }
    return result;
  }
}

/** A compiled template. Not safe for hostile templates outside a worker. */
export class TemplateProgram {
  readonly #program: Program;
  readonly #limits: InterpreterLimits;

  /** Throws SyntaxError or TemplateError when `source` is no template. */
  constructor(source: string, limits: InterpreterLimits) {
    this.#limits = limits;
    this.#program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
  }

  /** The text for `variables` (plain JSON) at `unixSeconds`. */
  render(variables: Readonly<Record<string, unknown>>, unixSeconds: number): string {
    const environment = new Environment();
    for (const [name, value] of [
      ["true", true],
      ["false", false],
      ["none", null],
      ["True", true],
      ["False", false],
      ["None", null],
    ] as const) {
      environment.set(name, value);
    }
    environment.set("raise_exception", (message: unknown) => {
      throw new TemplateError(typeof message === "string" ? message : "the chat is not allowed");
    });
    environment.set("strftime_now", (format: unknown) =>
      formatDate(unixSeconds, typeof format === "string" ? format.slice(0, 256) : ""),
    );
    environment.set("range", boundedRange);
    for (const [name, value] of Object.entries(variables)) environment.set(name, value);
    const result = new BudgetedInterpreter(environment, this.#limits).run(this.#program);
    const text = result.value;
    if (typeof text !== "string") throw new TemplateError("it produced no text");
    return text;
  }
}

/** Python's range() with an end to it. */
function boundedRange(first: unknown, second?: unknown, third?: unknown): number[] {
  const start = second === undefined ? 0 : Number(first);
  const stop = second === undefined ? Number(first) : Number(second);
  const step = third === undefined ? 1 : Number(third);
  if (!Number.isInteger(start) || !Number.isInteger(stop) || !Number.isInteger(step) || !step) {
    throw new TemplateError("range() takes integers and a step that is not zero");
  }
  const items = Math.max(0, Math.ceil((stop - start) / step));
  if (items > rangeItemsMax) throw new TemplateError("range() is too long");
  return Array.from({ length: items }, (_, index) => start + index * step);
}
