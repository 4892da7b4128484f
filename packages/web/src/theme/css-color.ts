// A colour of the design as painters of canvases need it: resolved for the theme that shows.

/** `name` is a custom property such as "--ink"; the answer is "rgb(…)" or alike. */
export function cssColor(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
