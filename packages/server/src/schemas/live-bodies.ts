// What /loci/… is asked and answers, for /openapi.json. The numbers are described by the types in
// core; here stands only their outer form.

import { Type, type TSchema } from "typebox";

/** Of a list's address. */
export const limitQuery: TSchema = Type.Object({
  limit: Type.Optional(Type.String({ maxLength: 64 })),
});

export const liveList: TSchema = Type.Object(
  { data: Type.Union([Type.Array(Type.Object({})), Type.Null()]) },
  { title: "LiveList" },
);

export const storyBody: TSchema = Type.Object(
  { id: Type.String(), phases: Type.Array(Type.Object({})) },
  { title: "RequestStory", additionalProperties: true },
);
