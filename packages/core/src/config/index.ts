// Configuration: declared once in settings.ts, resolved once by resolveConfig.

export * from "./describe-settings.ts";
export * from "./resolve-config.ts";
export {
  canonicalArguments,
  environmentName,
  isSettingName,
  namedSettings,
  nearestName,
} from "./setting-names.ts";
export type {
  Config,
  MemorySize,
  SettingDeclaration,
  SettingName,
  SettingValue,
} from "./setting-types.ts";
