// What a worker shows of itself, as it is sent and read: every list is bounded, every number finite,
// and nothing of it is believed beyond that.

import { kvTierNames, viewLimits } from "@loci/core";
import type {
  Happening,
  LengthBand,
  MemoryPlace,
  PeakForecast,
  RequestPhase,
  RequestStory,
  RequestView,
  SequenceStretch,
  SequenceView,
  ServiceView,
  StoryPhase,
} from "@loci/core";
import { Fields } from "./fields.ts";
import { bodyBounds } from "./generation-body.ts";

/** Of a view; one of a full worker has about a tenth of it. */
export const viewBytesMax: number = 4 * 1024 * 1024;
const placesMax = 8;
const forecastsMax = 4;
const noteCharsMax = 1024;
/** A story's cost terms are the router's own: a worker has none. */
const phases: readonly RequestPhase[] = ["waiting", "restoring", "prefill", "decode"];
const storyPhases = [...phases, "rescued"] as const;
const stretchPlaces = [...kvTierNames, "missing"] as const;
const happeningKinds = [
  "copied",
  "dropped",
  "restored",
  "recomputed",
  "moved_in",
  "outgrown",
  "extended",
  "borrowed",
  "gave_way",
] as const;
const finishReasons = ["stop", "length", "cancelled", "failed"] as const;

/** A worker's part of a page that shows `workers` of them: twice its even share of every list. */
export function shareOfView(view: ServiceView, workers: number): ServiceView {
  const share = (limit: number): number =>
    Math.min(limit, Math.max(8, Math.ceil((2 * limit) / Math.max(1, workers))));
  const requests = view.requests.slice(0, share(viewLimits.requestsMax));
  const sequences = view.sequences.slice(0, share(viewLimits.sequencesMax));
  return {
    ...view,
    requests,
    requestsOmitted: view.requestsOmitted + view.requests.length - requests.length,
    sequences,
    sequencesOmitted: view.sequencesOmitted + view.sequences.length - sequences.length,
    happenings: view.happenings.slice(-share(viewLimits.happeningsMax)),
  };
}

/** Throws WireError, as all here. */
export function decodeView(body: unknown): ServiceView {
  const fields = new Fields(body);
  const read = <T>(name: string, max: number, decode: (item: Fields) => T): readonly T[] =>
    fields.list(name, max).map((item) => decode(new Fields(item)));
  return {
    requests: read("requests", viewLimits.requestsMax, decodeRequest),
    requestsOmitted: fields.integer("requestsOmitted"),
    places: read("places", placesMax, decodePlace),
    blockTokens: fields.integer("blockTokens", 1),
    forecasts: read("forecasts", forecastsMax, decodeForecast),
    sequences: read("sequences", viewLimits.sequencesMax, decodeSequence),
    sequencesOmitted: fields.integer("sequencesOmitted"),
    happenings: read("happenings", viewLimits.happeningsMax, decodeHappening),
  };
}

/** Null where the worker does not remember the request. */
export function decodeStory(body: unknown): RequestStory | null {
  const answer = new Fields(body);
  if (!answer.has("story")) return null;
  const fields = answer.object("story");
  return {
    ...decodeNames(fields),
    phases: fields
      .list("phases", viewLimits.phasesMax)
      .map((item) => decodePhase(new Fields(item))),
    promptTokens: fields.integer("promptTokens"),
    fromDevice: fields.integer("fromDevice"),
    fromHost: fields.integer("fromHost"),
    fromDisk: fields.integer("fromDisk"),
    fromPeer: fields.integer("fromPeer"),
    recomputedTokens: fields.integer("recomputedTokens"),
    generatedTokens: fields.integer("generatedTokens"),
    predicted: decodeBand(fields),
    firstTokenSeconds: numberOrNull(fields, "firstTokenSeconds"),
    endSeconds: numberOrNull(fields, "endSeconds"),
    finishReason: fields.has("finishReason") ? fields.choice("finishReason", finishReasons) : null,
    placement: null,
  };
}

function decodeNames(
  fields: Fields,
): Pick<RequestView, "id" | "tenant" | "session"> & { readonly worker: null } {
  return {
    id: fields.text("id", bodyBounds.idCharsMax),
    tenant: fields.text("tenant", bodyBounds.idCharsMax),
    session: textOrNull(fields, "session"),
    // Whose word it is, is for who asked to say.
    worker: null,
  };
}

function decodeRequest(fields: Fields): RequestView {
  return {
    ...decodeNames(fields),
    phase: fields.choice("phase", phases),
    ageSeconds: fields.number("ageSeconds", 0),
    promptTokens: fields.integer("promptTokens"),
    cachedTokens: fields.integer("cachedTokens"),
    computedTokens: fields.integer("computedTokens"),
    generatedTokens: fields.integer("generatedTokens"),
    maxTokens: fields.integer("maxTokens"),
    predicted: decodeBand(fields),
    promisedTokens: numberOrNull(fields, "promisedTokens"),
    blocksHeld: fields.integer("blocksHeld"),
    rescues: fields.integer("rescues"),
  };
}

function decodeBand(fields: Fields): LengthBand | null {
  if (!fields.has("predicted")) return null;
  const band = fields.object("predicted");
  return { low: band.integer("low"), median: band.integer("median"), high: band.integer("high") };
}

function decodePlace(fields: Fields): MemoryPlace {
  return {
    worker: null,
    tier: fields.choice("tier", kvTierNames),
    blocksTotal: fields.integer("blocksTotal"),
    blocksUsed: fields.integer("blocksUsed"),
    blocksHeld: fields.integer("blocksHeld"),
  };
}

function decodeForecast(fields: Fields): PeakForecast {
  const points = fields.list("points", viewLimits.forecastPointsMax).map((item) => {
    const point = new Fields(item);
    return {
      secondsAhead: point.number("secondsAhead", 0),
      blocksMedian: point.number("blocksMedian", 0),
      blocksHigh: point.number("blocksHigh", 0),
    };
  });
  return { worker: null, blocksTotal: fields.integer("blocksTotal"), points };
}

function decodeSequence(fields: Fields): SequenceView {
  return {
    key: fields.text("key", bodyBounds.idCharsMax),
    tenant: fields.text("tenant", bodyBounds.idCharsMax),
    session: textOrNull(fields, "session"),
    worker: null,
    tokens: fields.integer("tokens"),
    idleSeconds: fields.number("idleSeconds", 0),
    inUse: fields.flag("inUse"),
    stretches: fields
      .list("stretches", viewLimits.stretchesMax)
      .map((item) => decodeStretch(new Fields(item))),
  };
}

function decodeStretch(fields: Fields): SequenceStretch {
  return {
    place: fields.choice("place", stretchPlaces),
    blocks: fields.integer("blocks"),
    shared: fields.flag("shared"),
  };
}

function decodeHappening(fields: Fields): Happening {
  return {
    sequence: fields.integer("sequence"),
    worker: null,
    agoSeconds: fields.number("agoSeconds", 0),
    kind: fields.choice("kind", happeningKinds),
    tier: fields.has("tier") ? fields.choice("tier", kvTierNames) : null,
    blocks: fields.integer("blocks"),
    reason: fields.text("reason", noteCharsMax),
    tenant: textOrNull(fields, "tenant"),
    requestId: textOrNull(fields, "requestId"),
  };
}

function decodePhase(fields: Fields): StoryPhase {
  return {
    phase: fields.choice("phase", storyPhases),
    startSeconds: fields.number("startSeconds", 0),
    endSeconds: fields.number("endSeconds", 0),
    tokens: fields.integer("tokens"),
    note: fields.has("note") ? fields.text("note", noteCharsMax) : null,
  };
}

function textOrNull(fields: Fields, name: string): string | null {
  return fields.has(name) ? fields.text(name, bodyBounds.idCharsMax) : null;
}

function numberOrNull(fields: Fields, name: string): number | null {
  return fields.has(name) ? fields.number(name, 0) : null;
}
