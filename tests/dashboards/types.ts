// What a dashboard of ours may be, by Grafana's own types: the dashboard's and those of each panel's options.
import type { Dashboard, Panel, DataSourceRef } from '@grafana/schema';
import type { Options as BarGaugeOptions } from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen.js';
import type { Options as StatOptions } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen.js';
import type { Options as TableOptions, FieldConfig as TableField } from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen.js';
import type { Options as TextOptions } from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen.js';
import type { Options as TimeSeriesOptions, FieldConfig as TimeSeriesField } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen.js';

// JSON holds the text of an enumeration, not the enumeration.
type Json<T> = T extends string ? `${T}` : T extends number | boolean | null | undefined ? T
  : T extends (infer E)[] ? Json<E>[] : T extends object ? { [K in keyof T]: Json<T[K]> } : T;

interface Target { datasource: DataSourceRef; refId: string; expr: string; legendFormat: string; editorMode: 'code'; instant: boolean; range: boolean;
  format: 'table' | 'heatmap' | 'time_series'; }
type Base = Omit<Json<Panel>, 'type' | 'options' | 'fieldConfig' | 'targets' | 'gridPos'> & { gridPos: { x: number; y: number; w: number; h: number }; targets: Target[] };
type Config<C> = { defaults: Omit<Json<NonNullable<Panel['fieldConfig']>['defaults']>, 'custom'> & { custom?: C }; overrides: Json<NonNullable<Panel['fieldConfig']>['overrides']> };
type Of<T extends string, O, C = Record<string, never>> = Base & { type: T; options: Json<O>; fieldConfig: Config<Json<C>> };
type Row = { type: 'row'; id: number; title: string; collapsed: boolean; panels: never[]; gridPos: { x: number; y: number; w: number; h: number } };
type Any = Of<'timeseries', TimeSeriesOptions, Partial<TimeSeriesField> & { axisSoftMin?: number }> | Of<'stat', StatOptions> | Of<'bargauge', BarGaugeOptions>
  | Of<'table', TableOptions, Partial<TableField>> | Of<'text', TextOptions> | Row;
export type Dash = Omit<Json<Dashboard>, 'panels' | 'templating'> & { panels: Any[]; templating: { list: Record<string, unknown>[] };
  __requires: { type: string; id: string; name: string; version: string }[] };
