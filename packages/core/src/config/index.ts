// Configuration: declared once in settings.ts, resolved once by resolveConfig.

export * from "./describe-settings.ts";
export { expectation } from "./parse-setting.ts";
export * from "./resolve-config.ts";
export {
  canonicalArguments,
  environmentNames,
  isSettingName,
  namedSettings,
  nearestName,
} from "./setting-names.ts";
export type {
  Config,
  MemorySize,
  SettingDeclaration,
  SettingGroup,
  SettingName,
  SettingValue,
} from "./setting-types.ts";
