// Switches between the system's theme, light, and dark.

import type { JSX } from "preact";
import { Icon, type IconName } from "../components/icon.tsx";
import { nextTheme, themeChoice, type ThemeChoice } from "../theme/theme.ts";

const icons: Readonly<Record<ThemeChoice, IconName>> = { auto: "auto", light: "sun", dark: "moon" };
const words: Readonly<Record<ThemeChoice, string>> = {
  auto: "as the system",
  light: "light",
  dark: "dark",
};

export function ThemeButton(): JSX.Element {
  const choice = themeChoice.value;
  const label = `Theme: ${words[choice]}. Change to ${words[nextTheme(choice)]}.`;
  return (
    <button
      type="button"
      class="button button-quiet button-icon"
      aria-label={label}
      title={label}
      onClick={() => {
        themeChoice.value = nextTheme(choice);
      }}
    >
      <Icon name={icons[choice]} />
    </button>
  );
}
