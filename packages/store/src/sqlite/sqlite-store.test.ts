import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openStore } from "../open-store.ts";
import { storeConformance } from "../store.suite.ts";

storeConformance("SQLite", async () => {
  const folder = await mkdtemp(join(tmpdir(), "loci-store-"));
  return {
    open: async () => await openStore(`sqlite:${join(folder, "inner", "store.db")}`),
    dispose: async () => await rm(folder, { recursive: true }),
  };
});
