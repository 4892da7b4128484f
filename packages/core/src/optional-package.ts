// Packages that only some settings need do not have to be installed. Who asks for such a setting
// without its package is told which one.

import { LociError } from "./errors.ts";

export interface OptionalPackage<Module> {
  readonly name: string;
  /** Of it, the version that works. */
  readonly major: number;
  /** What asks for it, as the beginning of a sentence. */
  readonly neededFor: string;
  readonly load: () => Promise<Module>;
}

/** Throws LociError `config_invalid` when the package is not installed. */
export async function loadOptional<Module>({
  name,
  major,
  neededFor,
  load,
}: OptionalPackage<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    if (!isMissing(error, name)) throw error;
    const problem = `${neededFor} needs the package ${name}, which is not installed.`;
    const remedy = `Install it beside loci: npm install ${name}@${major}`;
    throw new LociError("config_invalid", problem, { remedy, cause: error });
  }
}

/** Whether it is the package itself that was not found, and not something that it needs. */
function isMissing(error: unknown, name: string): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === "ERR_MODULE_NOT_FOUND" && error.message.includes(`package '${name}'`);
}
