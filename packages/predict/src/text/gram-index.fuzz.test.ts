// Random examples put in and taken out, against plain sets.

import { Random } from "@loci/core";
import { expect, it } from "vitest";
import { GramIndex } from "./gram-index.ts";
import { gramsMax } from "./prompt-features.ts";

const places = 12;

it("counts what sets share", () => {
  const random = new Random(5);
  const index = new GramIndex(places);
  const model = new Map<number, Uint16Array>();
  const someGrams = (): Uint16Array => {
    const count = random.next() < 0.1 ? gramsMax : random.integer(0, 20);
    const range = random.next() < 0.5 ? 30 : 65_535;
    return Uint16Array.from(new Set(Array.from({ length: count }, () => random.integer(0, range))));
  };
  for (let step = 0; step < 2000; step++) {
    const place = random.integer(0, places - 1);
    const old = model.get(place);
    if (old !== undefined) index.remove(place, old);
    model.delete(place);
    if (random.next() < 0.8) {
      const grams = someGrams();
      index.add(place, grams);
      model.set(place, grams);
    }
    const asked = someGrams();
    const counts = new Float64Array(places);
    index.countShared(asked, counts);
    const expected = Array.from({ length: places }, (_, each) => {
      const grams = new Set(model.get(each));
      return asked.filter((gram) => grams.has(gram)).length;
    });
    expect([...counts]).toEqual(expected);
  }
});
