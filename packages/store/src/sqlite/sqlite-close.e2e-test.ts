import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, it } from "vitest";

import { openStore } from "../open-store.ts";
import { runChild } from "../testing/run-child.ts";

const script = new URL("../testing/closing-child.ts", import.meta.url);

it("lets the process end by itself, with everything written, when it closes", async () => {
  const folder = await mkdtemp(join(tmpdir(), "loci-close-"));
  const url = `sqlite:${join(folder, "store.db")}`;
  for (let round = 0; round < 10; round++) {
    expect(await runChild(script, [url, `conv_${round}`])).toBe("closed\n");
  }
  const store = await openStore(url);
  for (let round = 0; round < 10; round++) {
    expect(await store.conversations.read("tenant", `conv_${round}`)).not.toBeNull();
  }
  await store.close();
  await rm(folder, { recursive: true });
});
