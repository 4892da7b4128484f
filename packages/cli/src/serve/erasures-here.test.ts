import { openStore } from "@loci/store";
import { expect, test } from "vitest";

import { erasuresHere } from "./erasures-here.ts";

const place = { store: "postgres://loci@db/loci", kvDiskPath: null };

test("two servers tell their workers apart in one log, and owe each other's deletions", async () => {
  const store = await openStore(":memory:");
  const one = erasuresHere(store.erasures, { ...place, port: 1 });
  const other = erasuresHere(store.erasures, { ...place, port: 2 });
  for (const log of [one, other]) await log.meet(["local-0"]);
  const { number } = await one.add("tenant", null);
  await one.done("local-0", number);
  expect(await one.owed("local-0")).toEqual([]);
  expect(await other.owed("local-0")).toEqual([{ number, tenant: "tenant", deleted: null }]);
  const known = await one.workers();
  expect(known.filter(({ id }) => id === "local-0")).toEqual([{ id: "local-0", owesSome: false }]);
  expect(known.filter(({ owesSome }) => owesSome)).toHaveLength(1);
  await other.done("local-0", number);
  expect((await one.workers()).filter(({ owesSome }) => owesSome)).toEqual([]);
  await store.close();
});

test("a server is the same after a restart: by its disk, and by its file of conversations", async () => {
  const store = await openStore(":memory:");
  const { erasures } = store;
  await erasuresHere(erasures, { ...place, kvDiskPath: "/kv", port: 1 }).meet(["local-0"]);
  await erasuresHere(erasures, { ...place, kvDiskPath: "/kv", port: 2 }).meet(["local-0"]);
  await erasuresHere(erasures, { store: null, kvDiskPath: "/kv", port: 1 }).meet(["local-0"]);
  await erasuresHere(erasures, { store: "sqlite:a", kvDiskPath: null, port: 2 }).meet(["local-0"]);
  expect(await erasures.workers()).toHaveLength(2);
  await store.close();
});
