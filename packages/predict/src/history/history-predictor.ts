// Length from the recent answers of requests like this one: same tenant, same beginning of the
// prompt (system prompts make clusters). Classes are nested, from everything to the longest shared
// beginning; a class with few answers leans on the one around it.
//
//   everything ⊃ tenant ⊃ first 16 tokens ⊃ first 64 ⊃ first 256

import type { HastyPredictor } from "../hasty-predictor.ts";
import { LengthDistribution } from "../length-distribution.ts";
import { lengthMax } from "../length-grid.ts";
import type { LengthForecast, LengthOutcome, LengthQuery } from "../length-predictor.ts";
import { allowed, certainForecast, FixedForecast } from "../fixed-forecast.ts";
import { broadBelief } from "../broad-belief.ts";
import { RecentMap } from "../state/recent-map.ts";
import { StateReader, StateWriter } from "../state/state-bytes.ts";
import { classKeys, fileKeyLengthMax, keyFromFile, keyInFile, prefixTokens } from "./class-keys.ts";
import { LengthWindow } from "./length-window.ts";

/** A class holds so many answers; after a change of traffic it keeps the last few only. */
const windowSamples = 1000;
const recentSamples = 32;
/** Classes kept at each level; the one unused for longest gives way. */
const tenantsMax = 256;
const prefixesMax = 512;
/** The class around weighs as much as so many answers. */
const parentWeight = 8;
/** In a file: answers of each tenant and of each beginning. */
const savedSamplesMax = 128;
const stateKind = 1;
const stateVersion = 1;

export class HistoryPredictor implements HastyPredictor {
  readonly name = "history";
  #everything = new LengthWindow(windowSamples);
  /** What `#everything` says. */
  #common: LengthDistribution = broadBelief;
  #levels: readonly RecentMap<LengthWindow>[] = newLevels();

  open(query: LengthQuery): LengthForecast {
    const certain = certainForecast(query);
    if (certain !== null) return certain;
    const keys = classKeys(query);
    let belief = this.#common;
    for (let i = 0; i < keys.length; i++) {
      const found = this.#levels[i]?.peek(keys[i] ?? "");
      if (found !== undefined) belief = blend(found, belief);
    }
    return new FixedForecast(allowed(belief, query), (outcome) => {
      this.#learn(keys, outcome);
    });
  }

  /** Traffic has changed: the recent answers of each class count, older ones are forgotten. */
  hasten(): void {
    this.#everything.keepRecent(recentSamples);
    this.#common = blend(this.#everything, broadBelief);
    for (const level of this.#levels) {
      for (const [, window] of level.entries()) window.keepRecent(recentSamples);
    }
  }

  save(): Uint8Array {
    const writer = new StateWriter();
    writer.wholes(this.#everything.samples(windowSamples));
    for (const level of this.#levels) {
      writer.whole(level.size);
      for (const [key, window] of level.entries()) {
        writer.text(keyInFile(key));
        writer.wholes(window.samples(savedSamplesMax));
      }
    }
    return writer.finish(stateKind, stateVersion);
  }

  restore(bytes: Uint8Array): boolean {
    const reader = StateReader.open(bytes, stateKind, stateVersion);
    if (reader === null) return false;
    const everything = readWindow(reader);
    const levels = newLevels();
    for (const [i, level] of levels.entries()) {
      const count = reader.whole({ min: 0, max: levelMax(i) });
      for (let entry = 0; entry < count && !reader.hasFailed; entry++) {
        const key = keyFromFile(reader.text(fileKeyLengthMax));
        const window = readWindow(reader);
        reader.require(key !== null);
        if (key !== null) level.use(key, () => window);
      }
    }
    if (!reader.isWhole()) return false;
    this.#everything = everything;
    this.#common = blend(everything, broadBelief);
    this.#levels = levels;
    return true;
  }

  checkIntegrity(): void {
    this.#everything.checkIntegrity();
    for (const level of this.#levels) {
      level.checkIntegrity();
      for (const [, window] of level.entries()) window.checkIntegrity();
    }
  }

  /** The estimates are made here: an answer that has ended waits for nothing, a new request does. */
  #learn(keys: readonly string[], outcome: LengthOutcome): void {
    this.#everything.add(outcome);
    this.#common = blend(this.#everything, broadBelief);
    for (const [i, key] of keys.entries()) {
      const window = this.#levels[i]?.use(key, () => new LengthWindow(windowSamples));
      window?.add(outcome);
      window?.prepare();
    }
  }
}

function blend(window: LengthWindow, around: LengthDistribution): LengthDistribution {
  const own = window.distribution();
  if (own === null) return around;
  return LengthDistribution.mixture([
    { weight: window.count, distribution: own },
    { weight: parentWeight, distribution: around },
  ]);
}

function levelMax(level: number): number {
  return level === 0 ? tenantsMax : prefixesMax;
}

function newLevels(): RecentMap<LengthWindow>[] {
  return Array.from({ length: 1 + prefixTokens.length }, (_, level) => {
    return new RecentMap<LengthWindow>(levelMax(level));
  });
}

function readWindow(reader: StateReader): LengthWindow {
  const window = new LengthWindow(windowSamples);
  window.restore(reader.wholes({ min: 0, max: windowSamples }, { min: 2, max: lengthMax * 2 + 1 }));
  return window;
}
