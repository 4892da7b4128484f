// A mistake of this program leaves a state nobody can trust: log it and end.

import { exitCodes } from "../exit-codes.ts";
import type { Logger } from "./logger.ts";

export function endOnMistakes(logger: Logger): void {
  const end = (error: unknown): void => {
    logger.fatal({ err: error }, "unexpected failure; the process ends");
    process.exit(exitCodes.failed);
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}
