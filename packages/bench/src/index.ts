export { benchProgram } from "./program.ts";
