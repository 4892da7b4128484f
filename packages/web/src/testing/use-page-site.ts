// One site for all tests of a file.

import { afterAll, beforeAll } from "vitest";
import type { LociServerOptions } from "./loci-server.ts";
import { startPageSite, type PageSite } from "./page-site.ts";

/** Building the page and loading the model, on a busy machine. */
const startMsMax = 180_000;

/** To be called at the top of the file; the answer gives the site once tests run. */
export function usePageSite(options: LociServerOptions = {}): () => PageSite {
  let site: PageSite | null = null;
  beforeAll(async () => {
    site = await startPageSite(options);
  }, startMsMax);
  afterAll(async () => {
    await site?.[Symbol.asyncDispose]();
  }, startMsMax);
  return () => {
    if (site === null) throw new Error("The site is there while tests run, not before.");
    return site;
  };
}
