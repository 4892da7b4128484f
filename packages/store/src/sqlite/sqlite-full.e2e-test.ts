import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { openStore } from "../open-store.ts";
import { turnBegin, turnCommit } from "../suite/samples.ts";
import { fillStore, itemOf } from "../testing/fill-store.ts";
import { canMount, SmallDisk } from "../testing/small-disk.ts";

const tenant = "tenant";

describe("a full disk (mounting one takes root)", () => {
  it.runIf(canMount)("is told, loses nothing, and is normal again once there is room", async () => {
    using disk = new SmallDisk(4);
    const ballast = join(disk.folder, "ballast");
    writeFileSync(ballast, Buffer.alloc(2 ** 20));
    const url = `sqlite:${join(disk.folder, "store.db")}`;
    const filling = await openStore(url);
    const { ids, refusal } = await fillStore(filling, tenant);
    expect(refusal.code).toBe("storage_full");
    expect(ids.length).toBeGreaterThan(10);
    await filling.close();

    const store = await openStore(url);
    // Larger than what closing may have given back.
    const inputItems = ["r1", "r2", "r3", "r4", "r5"].map(itemOf);
    const turn = { ...turnBegin("r"), inputItems };
    const refused = store.turns.begin(tenant, turn);
    await expect(refused).rejects.toMatchObject({ code: "storage_full", status: 507 });
    for (const id of ids) expect(await store.items.read(tenant, id, id)).toEqual(itemOf(id));

    rmSync(ballast);
    expect(await store.turns.begin(tenant, turn)).toMatchObject({ outcome: "done" });
    expect(await store.turns.commit(tenant, turnCommit("r"))).toMatchObject({ outcome: "done" });
    await store.checkIntegrity();
    await store.close();
  });
});
