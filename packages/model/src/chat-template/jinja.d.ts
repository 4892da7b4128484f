// The library's own declarations import without file extensions, which this project's module
// resolution rejects; this is the part of them that is used here.
declare module "@huggingface/jinja" {
  export interface Program {
    readonly type: string;
  }
  export interface RuntimeValue {
    readonly type: string;
    readonly value: unknown;
  }
  export class Environment {
    constructor(parent?: Environment);
    /** Declares a variable of plain JSON or a function over plain values. */
    set(name: string, value: unknown): RuntimeValue;
  }
  export class Interpreter {
    constructor(environment: Environment);
    run(program: Program): RuntimeValue;
    evaluate(node: Program | undefined, environment: Environment): RuntimeValue;
  }
  export function tokenize(
    source: string,
    options: { readonly lstrip_blocks: boolean; readonly trim_blocks: boolean },
  ): readonly unknown[];
  export function parse(tokens: readonly unknown[]): Program;
}
