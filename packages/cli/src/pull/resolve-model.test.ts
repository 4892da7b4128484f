// How models go by their names, their references and their files.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { listModels, removeModel, resolveModel } from "./resolve-model.ts";
import { errorOf, model, repo, small, text, usePulls } from "./testing/use-pulls.ts";

const world = usePulls();

describe("names", () => {
  test("a pulled model goes by its name and its reference", async () => {
    const path = await world.pull();
    const references = ["tiny-q8_0", "Tiny-Q8_0.gguf", `${repo}/tiny-q8_0.gguf`, text];
    for (const reference of [...references, "maker/Tiny-GGUF:Q8_0"]) {
      expect(await resolveModel(reference, world.options({ offline: true }))).toEqual({
        path,
        name: "tiny-q8_0",
      });
    }
  });

  test("the model that comes with the program goes by its name", async () => {
    const { path, name } = await resolveModel("loci-demo", world.options({ offline: true }));
    expect(name).toBe("loci-demo");
    expect(path).toMatch(/loci-demo\.gguf$/);
  });

  test("serving a reference pulls it", async () => {
    const { path } = await resolveModel(text, world.options());
    expect(readFileSync(path)).toEqual(Buffer.from(model));
  });

  test("of files win over names", async () => {
    const path = join(world.folder, "own.gguf");
    writeFileSync(path, small);
    expect(await resolveModel(path, world.options())).toEqual({ path, name: "own" });
  });

  test.each(["no-such-model", "../../etc/no-such", "a\0.gguf", "CON", ".", "*", "x".repeat(4096)])(
    "like %j find nothing and touch nothing",
    async (name) => {
      await world.pull();
      const before = world.left();
      const error = await errorOf(resolveModel(name, world.options({ offline: true })));
      expect(error.code).toMatch(/not_found|config_invalid|unreadable/);
      expect((await errorOf(removeModel(name, world.options()))).code).toMatch(
        /not_found|config_invalid/,
      );
      expect(world.left()).toEqual(before);
    },
  );

  test("two models of one name have to be told apart", async () => {
    world.hub.files.set("other/Tiny-GGUF", world.hub.files.get(repo) ?? []);
    await world.pull();
    await world.pull({}, "hf:other/Tiny-GGUF:q8_0");
    expect((await errorOf(resolveModel("tiny-q8_0", world.options()))).message).toMatch(/any of/);
    await removeModel("hf:other/Tiny-GGUF:q8_0", world.options());
    expect((await resolveModel("tiny-q8_0", world.options())).name).toBe("tiny-q8_0");
  });

  test("a removed model is gone", async () => {
    await world.pull();
    await removeModel("tiny-q8_0", world.options());
    expect(await listModels(world.options())).toEqual([]);
    expect(world.left()).toEqual([]);
  });

  test("records that are torn, foreign or without file are no models", async () => {
    const path = await world.pull();
    const models = join(world.folder, "models");
    writeFileSync(join(models, `${"0".repeat(32)}.json`), "{");
    writeFileSync(join(models, `${"1".repeat(32)}.json`), "[1]");
    expect((await listModels(world.options())).length).toBe(1);
    writeFileSync(path, "shorter");
    expect(await listModels(world.options())).toEqual([]);
    // And it is pulled again.
    expect(readFileSync(await world.pull())).toEqual(Buffer.from(model));
  });
});
