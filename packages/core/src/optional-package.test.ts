import { expect, test } from "vitest";
import { loadOptional } from "./optional-package.ts";

const asked = { name: "some-package", major: 3, neededFor: "--some-setting" };

/** As the runtime says it of a package that is nowhere. */
function notFound(name: string): () => Promise<never> {
  const error = new Error(`Cannot find package '${name}' imported from /app/index.js`);
  return () => Promise.reject(Object.assign(error, { code: "ERR_MODULE_NOT_FOUND" }));
}

test("a package that is there is loaded", async () => {
  expect(await loadOptional({ ...asked, load: () => Promise.resolve(7) })).toBe(7);
});

test("one that is not installed is named, with what needs it and how to get it", async () => {
  const wanted = { ...asked, load: notFound("some-package") };
  await expect(loadOptional(wanted)).rejects.toMatchObject({
    code: "config_invalid",
    message: expect.stringMatching(/^--some-setting needs .*: npm install some-package@3$/),
  });
});

test("what is missing inside a package is that package's failure", async () => {
  const wanted = { ...asked, load: notFound("its-part") };
  await expect(loadOptional(wanted)).rejects.toThrow("'its-part'");
});
