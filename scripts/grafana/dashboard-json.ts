// The description of the dashboard as Grafana reads it.

import { dashboardRows } from "./dashboard-panels.ts";
import type { PanelDescription } from "./dashboard-panels.ts";

const gridColumns = 24;
const sizes = { stat: { w: 6, h: 4 }, timeseries: { w: 8, h: 8 } } as const;
const source = { type: "prometheus", uid: "${datasource}" } as const;
const chosen = 'instance=~"$instance"';

/** A list of one or more texts, each on its line: the formatter has them on one. */
const shortList = /\[\n\s+"[^"\n]*"(?:,\n\s+"[^"\n]*")*\n\s+\]/g;

function oneLine(list: string): string {
  return list.replaceAll(/\n\s+/g, " ").replace("[ ", "[").replace(" ]", "]");
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** The whole file. */
export function dashboardJson(): string {
  const dashboard = {
    uid: "loci",
    title: "loci",
    description: "LLM serving that remembers: requests, memory, scheduling, workers",
    tags: ["loci", "llm"],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: "10s",
    time: { from: "now-1h", to: "now" },
    templating: { list: variables() },
    panels: placedPanels(),
  };
  return `${JSON.stringify(dashboard, null, 2).replaceAll(shortList, oneLine)}\n`;
}

function variables(): readonly object[] {
  return [
    { name: "datasource", label: "Data source", type: "datasource", query: "prometheus" },
    {
      name: "instance",
      label: "Instance",
      type: "query",
      datasource: source,
      query: { query: "label_values(loci_build_info, instance)", refId: "instances" },
      refresh: 2,
      includeAll: true,
      multi: true,
      current: { text: "All", value: "$__all" },
    },
  ];
}

/** From left to right, row by row. */
function placedPanels(): readonly object[] {
  const placed: object[] = [];
  let y = 0;
  for (const { title, panels } of dashboardRows) {
    placed.push(rowOf(placed.length + 1, title, y));
    y++;
    let x = 0;
    let height = 0;
    for (const panel of panels) {
      const { w, h } = sizes[panel.kind];
      if (x + w > gridColumns) {
        x = 0;
        y += height;
        height = 0;
      }
      placed.push(panelOf(placed.length + 1, panel, { x, y, w, h }));
      x += w;
      height = Math.max(height, h);
    }
    y += height;
  }
  return placed;
}

function rowOf(id: number, title: string, y: number): object {
  const gridPos = { x: 0, y, w: gridColumns, h: 1 };
  return { id, type: "row", title, collapsed: false, gridPos, panels: [] };
}

function panelOf(id: number, panel: PanelDescription, gridPos: Place): object {
  const { title, about, kind, unit, isStacked = false } = panel;
  const custom = {
    drawStyle: "line",
    lineWidth: 1,
    fillOpacity: isStacked ? 30 : 5,
    stacking: { mode: isStacked ? "normal" : "none" },
  };
  return {
    id,
    type: kind,
    title,
    description: about,
    gridPos,
    datasource: source,
    fieldConfig: {
      defaults: { unit, min: 0, ...(kind === "timeseries" && { custom }) },
      overrides: [],
    },
    options:
      kind === "stat"
        ? { reduceOptions: { calcs: ["lastNotNull"] }, graphMode: "area" }
        : { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi" } },
    targets: panel.queries.map(({ query, legend }, at) => ({
      refId: String.fromCodePoint("A".charCodeAt(0) + at),
      datasource: source,
      expr: query.replaceAll("$on", chosen),
      legendFormat: legend,
    })),
  };
}
