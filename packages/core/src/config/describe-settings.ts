// How a setting is shown in `--help`.

import { unreachable } from "../assert.ts";
import type { SettingDeclaration } from "./setting-types.ts";

/** Placeholder for the value in help: `--port <integer>`; empty for switches. */
export function valuePlaceholder(setting: SettingDeclaration): string {
  switch (setting.kind) {
    case "switch":
      return "";
    case "memory":
      return "<size>";
    case "bytes":
      return "<size>";
    case "choice":
      return "<name>";
    case "integer":
    case "number":
    case "duration":
    case "text":
    case "list":
      return `<${setting.kind}>`;
    default:
      return unreachable(setting.kind);
  }
}
