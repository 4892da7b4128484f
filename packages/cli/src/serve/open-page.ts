// The built page, beside this package: in the tree as in what is published.

import { fileURLToPath } from "node:url";

import { LociError } from "@loci/core";
import { loadStaticPage } from "@loci/server";
import type { StaticPage } from "@loci/server";

import type { Logger } from "./logger.ts";

const pageFolder = fileURLToPath(new URL("../../../web/dist", import.meta.url));

/** Null when it is not built or cannot be served: the API works without it. */
export async function openPage(
  logger: Pick<Logger, "warn">,
  folder: string = pageFolder,
): Promise<StaticPage | null> {
  try {
    return await loadStaticPage(folder);
  } catch (error) {
    if (!(error instanceof LociError)) throw error;
    logger.warn(error.message);
    return null;
  }
}
