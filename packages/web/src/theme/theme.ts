// Light, dark, or what the system says. The choice is an attribute of the document; colours follow
// in CSS through light-dark().

import { computed, effect, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { readStored, writeStored } from "../page-storage.ts";

export type ThemeChoice = "auto" | "light" | "dark";

const choices: readonly ThemeChoice[] = ["auto", "light", "dark"];
const systemIsDark = signal(false);

/** What the reader chose; kept in this browser. */
export const themeChoice: Signal<ThemeChoice> = signal("auto");

/** What is shown now. */
export const themeName: ReadonlySignal<"light" | "dark"> = computed(() => {
  if (themeChoice.value !== "auto") return themeChoice.value;
  return systemIsDark.value ? "dark" : "light";
});

/** Takes up the stored choice and follows it, and the system, from now on. */
export function startTheme(): void {
  const stored = readStored("theme");
  themeChoice.value = choices.find((one) => one === stored) ?? "auto";
  const system = matchMedia("(prefers-color-scheme: dark)");
  systemIsDark.value = system.matches;
  system.addEventListener("change", (event) => {
    systemIsDark.value = event.matches;
  });
  effect(() => {
    const choice = themeChoice.value;
    if (choice === "auto") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = choice;
    writeStored("theme", choice === "auto" ? null : choice);
  });
}

/** The next one in the order auto, light, dark. */
export function nextTheme(choice: ThemeChoice): ThemeChoice {
  return choices[(choices.indexOf(choice) + 1) % choices.length] ?? "auto";
}
