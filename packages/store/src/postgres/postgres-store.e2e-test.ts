import { openStore } from "../open-store.ts";
import { storeConformance } from "../store.suite.ts";
import { PostgresCluster } from "../testing/postgres-cluster.ts";

storeConformance("PostgreSQL", async () => {
  const cluster = await PostgresCluster.create();
  const url = await cluster.createDatabase();
  return { open: async () => await openStore(url), dispose: async () => await cluster.dispose() };
});
