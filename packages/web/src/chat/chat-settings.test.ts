import * as fc from "fast-check";
import { expect, test } from "vitest";
import { defaultSettings, samplingFields, settingProblems, settingsFrom } from "./chat-settings.ts";

test("nothing chosen sends nothing", () => {
  expect(samplingFields(defaultSettings)).toEqual({});
  expect(settingProblems(defaultSettings)).toEqual({});
});

test("what is chosen is sent under the API's names", () => {
  const settings = {
    ...defaultSettings,
    systemPrompt: "Be brief.",
    temperature: "0.5",
    topP: "1",
    maxTokens: "64",
    seed: "0",
    jsonMode: "schema",
    schema: '{"type":"object"}',
  } as const;
  expect(samplingFields(settings)).toEqual({
    instructions: "Be brief.",
    temperature: 0.5,
    top_p: 1,
    max_output_tokens: 64,
    seed: 0,
    text: {
      format: { type: "json_schema", name: "answer", strict: true, schema: { type: "object" } },
    },
  });
  expect(samplingFields({ ...settings, jsonMode: "object" }).text).toEqual({
    format: { type: "json_object" },
  });
});

test("what is not valid is told and not sent", () => {
  const settings = {
    ...defaultSettings,
    temperature: "3",
    topP: "x",
    maxTokens: "1.5",
    seed: "-1",
    jsonMode: "schema",
    schema: "[",
  } as const;
  expect(Object.keys(settingProblems(settings)).toSorted()).toEqual([
    "maxTokens",
    "schema",
    "seed",
    "temperature",
    "topP",
  ]);
  expect(samplingFields(settings)).toEqual({});
  expect(settingProblems({ ...settings, schema: "[]" }).schema).toBe("A JSON schema is an object.");
});

test("whatever was stored, the settings are whole", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.jsonValue(),
        fc.record({ jsonMode: fc.jsonValue(), temperature: fc.jsonValue() }),
      ),
      (stored) => {
        const settings = settingsFrom(stored);
        expect(Object.keys(settings).toSorted()).toEqual(Object.keys(defaultSettings).toSorted());
        expect(["off", "object", "schema"]).toContain(settings.jsonMode);
        samplingFields(settings);
      },
    ),
    { seed: 5 },
  );
  expect(settingsFrom({ seed: "4", jsonMode: "object" })).toMatchObject({
    seed: "4",
    jsonMode: "object",
  });
});
