// Public names of this package.
export const packageName = "@loci/model";
export {
  writeRandomModel,
  type RandomModelFacts,
  type RandomModelOptions,
} from "./testing/random-model.ts";
export {
  namedShapes,
  tinyShapes,
  type ModelShape,
  type NamedShape,
  type RandomModelArchitecture,
  type RopeScaling,
} from "./testing/model-shapes.ts";
