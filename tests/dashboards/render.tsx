// Draws a dashboard of ours with Grafana's own transformations, field configuration and components, from a live Prometheus.
// What lives in the Grafana server (panel plugins, loading, migrations) is not here: about a hundred lines of ours stand in.
import React from 'react';
import { createRoot } from 'react-dom/client';
import {
  applyFieldOverrides, createTheme, DataFrame, FieldType, fieldReducers, getDisplayValueAlignmentFactors, getFieldDisplayValues, getValueFormats, LoadingState,
  standardFieldConfigEditorRegistry, standardTransformersRegistry, standardTransformers, ThemeContext, toDataFrame, transformDataFrame,
  identityOverrideProcessor, numberOverrideProcessor, stringOverrideProcessor, unitOverrideProcessor, thresholdsOverrideProcessor, valueMappingsOverrideProcessor,
} from '@grafana/data';
import { BarGauge, BigValue, BigValueColorMode, BigValueGraphMode, GlobalStyles, PanelChrome, Table, TimeSeries } from '@grafana/ui';
import { firstValueFrom } from 'rxjs';
import 'uplot/dist/uPlot.min.css';

const standard = (id: string, process: any) => ({ id, path: id, name: id, description: id, editor: () => null, override: () => null, process, shouldApply: () => true, settings: {} });
standardFieldConfigEditorRegistry.setInit(() => [
  standard('unit', unitOverrideProcessor), standard('min', numberOverrideProcessor), standard('max', numberOverrideProcessor), standard('decimals', numberOverrideProcessor),
  standard('displayName', stringOverrideProcessor), standard('color', identityOverrideProcessor), standard('thresholds', thresholdsOverrideProcessor),
  standard('mappings', valueMappingsOverrideProcessor), standard('links', identityOverrideProcessor), standard('noValue', stringOverrideProcessor)] as any);
const transformers = Object.values(standardTransformers).filter((t: any, i, all: any[]) => t?.id && all.findIndex(o => o?.id === t.id) === i);
standardTransformersRegistry.setInit(() => transformers.map((t: any) => ({ id: t.id, name: t.name, transformation: t, editor: () => null })) as any);

const params = new URLSearchParams(location.search);
const theme = createTheme({ colors: { mode: (params.get('mode') ?? 'dark') as any } });
const now = Number(params.get('now')), span = Number(params.get('span') ?? 600), step = Math.max(1, Math.floor(span / 120));
const variables: Record<string, string> = { $job: '.+', $instance: '.+', $container_name: '.+', $__rate_interval: `${Math.max(20, step * 4)}s`, $__range: `${span}s` };
const replace = (text: string) => Object.entries(variables).reduce((t, [k, v]) => t.split(k).join(v), text);
const legend = (format: string, labels: Record<string, string>) => format === '__auto'
  ? Object.entries(labels).filter(([k]) => k !== '__name__').map(([k, v]) => `${k}=${v}`).join(', ') || 'value'
  : format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, k) => labels[k] ?? '');

async function ask(target: any): Promise<DataFrame[]> {
  const expr = encodeURIComponent(replace(target.expr));
  const url = target.instant ? `/api/v1/query?query=${expr}&time=${now}` : `/api/v1/query_range?query=${expr}&start=${now - span}&end=${now}&step=${step}`;
  const answer = await (await fetch(url)).json();
  if (answer.status !== 'success') throw new Error(answer.error);
  const series = answer.data.result;
  if (target.format === 'table') {
    const names = [...new Set(series.flatMap((s: any) => Object.keys(s.metric)))] as string[];
    return [toDataFrame({ refId: target.refId, fields: [{ name: 'Time', type: FieldType.time, values: series.map(() => now * 1000) },
      ...names.map(name => ({ name, type: FieldType.string, values: series.map((s: any) => s.metric[name] ?? '') })),
      { name: 'Value', type: FieldType.number, values: series.map((s: any) => Number(s.value[1])) }] })];
  }
  const frames = series.map((s: any) => { const points = target.instant ? [s.value] : s.values, name = legend(target.legendFormat, s.metric);
    return toDataFrame({ refId: target.refId, name, fields: [{ name: 'Time', type: FieldType.time, values: points.map((p: any) => p[0] * 1000) },
      { name: 'Value', type: FieldType.number, labels: s.metric, config: { displayNameFromDS: name }, values: points.map((p: any) => Number(p[1])) }] }); });
  if (target.format !== 'heatmap') return frames;
  // As the Prometheus data source does for heat maps: buckets in order, each without those below it.
  const bound = (f: DataFrame) => f.name === '+Inf' ? Infinity : Number(f.name);
  frames.sort((a: DataFrame, b: DataFrame) => bound(a) - bound(b));
  for (let i = frames.length - 1; i > 0; i--) frames[i].fields[1].values = frames[i].fields[1].values.map((v: number, n: number) => v - frames[i - 1].fields[1].values[n]);
  return frames;
}

async function load(panel: any): Promise<DataFrame[]> {
  const raw = (await Promise.all(panel.targets.map(ask))).flat();
  const changed = await firstValueFrom(transformDataFrame(panel.transformations ?? [], raw));
  return applyFieldOverrides({ data: changed, fieldConfig: panel.fieldConfig, theme, replaceVariables: replace, timeZone: 'utc' } as any);
}

function Body({ panel, frames, width, height }: any) {
  if (panel.type === 'timeseries') return <TimeSeries frames={frames.map((f: any) => ({ ...f, fields: f.fields.map((field: any) => ({ ...field, config: { ...field.config, custom: { ...panel.fieldConfig.defaults.custom } } })) }))}
    structureRev={1} timeRange={{ from: { valueOf: () => (now - span) * 1000 }, to: { valueOf: () => now * 1000 }, raw: {} } as any} timeZone="utc" width={width} height={height}
    legend={{ ...panel.options.legend, placement: width < 600 ? 'bottom' : 'right', displayMode: 'list' }} options={panel.options} />;
  if (panel.type === 'table') return <Table data={frames[0]} width={width} height={height} initialSortBy={panel.options.sortBy} />;
  const values = getFieldDisplayValues({ fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions, replaceVariables: replace, theme, data: frames, timeZone: 'utc', sparkline: panel.options.graphMode === 'area' } as any);
  if (panel.type === 'stat' && values.length === 1) values[0].display.title = undefined;
  if (panel.type === 'stat') return <div style={{ display: 'flex' }}>{values.slice(0, 4).map((v, i) => <BigValue key={i} value={v.display} sparkline={v.sparkline} width={width / Math.min(values.length, 4)} height={height}
    colorMode={BigValueColorMode.Value} graphMode={panel.options.graphMode === 'area' ? BigValueGraphMode.Area : BigValueGraphMode.None} theme={theme} />)}</div>;
  const alignment = getDisplayValueAlignmentFactors(values);
  const each = Math.max(18, Math.floor(height / Math.max(values.length, 1)) - 4);
  return <div>{values.map((v, i) => <div key={i} style={{ marginBottom: 4 }}><BarGauge value={v.display} field={{ ...v.field, max: Math.max(...values.map(o => o.display.numeric)) }} display={v.view?.getFieldDisplayProcessor(v.colIndex!)}
    width={width} height={Math.min(each, 34)} orientation={'horizontal' as any} displayMode={panel.options.displayMode} theme={theme} alignmentFactors={alignment} itemSpacing={4} lcdCellWidth={12} text={{ titleSize: 13, valueSize: 14 }} /></div>)}</div>;
}

const UNIT = 36;
function Panel({ panel, width }: any) {
  const [state, set] = React.useState<any>(panel.type === 'text' ? { frames: [] } : {});
  React.useEffect(() => { if (panel.type !== 'text') load(panel).then(frames => set({ frames }), error => set({ error: String(error) })); }, []);
  const { x, y, w, h } = panel.gridPos, column = width / 24;
  const style = { position: 'absolute' as const, left: x * column, top: y * UNIT, width: w * column - 8, height: h * UNIT - 8 };
  if (panel.type === 'row') return <div style={{ ...style, color: theme.colors.text.primary, fontWeight: 500, paddingTop: 8 }}>{panel.title}</div>;
  const empty = state.frames && panel.type !== 'text' && state.frames.every((f: any) => f.length === 0);
  return <div style={style} data-panel={panel.title} data-panel-error={state.error} data-panel-nodata={empty || undefined} data-ready={state.frames || state.error ? 1 : undefined}>
    <PanelChrome title={panel.title} description={panel.description} width={style.width} height={style.height} loadingState={state.frames ? LoadingState.Done : LoadingState.Loading}>
      {(width, height) => panel.type === 'text' ? <pre style={{ whiteSpace: 'pre-wrap', fontSize: 12, height, overflow: 'hidden' }}>{panel.options.content}</pre>
        : state.error ? <div>{state.error}</div> : empty ? <div style={{ opacity: 0.6 }}>No data</div> : state.frames ? <Body panel={panel} frames={state.frames} width={width} height={height} /> : null}
    </PanelChrome></div>;
}

async function main() {
  const dashboard = await (await fetch(`/dashboards/${params.get('uid')}.json`)).json();
  const units = new Set(getValueFormats().flatMap((c: any) => c.submenu.map((f: any) => f.value))), problems: string[] = [];
  for (const panel of dashboard.panels) {
    const unit = panel.fieldConfig?.defaults?.unit;
    if (unit && !units.has(unit)) problems.push(`${panel.title}: unknown unit ${unit}`);
    for (const calc of [...(panel.options?.reduceOptions?.calcs ?? []), ...(panel.options?.legend?.calcs ?? [])]) if (!fieldReducers.getIfExists(calc)) problems.push(`${panel.title}: unknown reducer ${calc}`);
    for (const t of panel.transformations ?? []) if (!standardTransformersRegistry.getIfExists(t.id)) problems.push(`${panel.title}: unknown transformation ${t.id}`);
  }
  (window as any).problems = problems;
  const width = document.body.clientWidth - 16, height = Math.max(...dashboard.panels.map((p: any) => p.gridPos.y + p.gridPos.h)) * UNIT;
  document.body.style.background = theme.colors.background.canvas;
  createRoot(document.getElementById('app')!).render(<ThemeContext.Provider value={theme}><GlobalStyles />
    <h3 style={{ color: theme.colors.text.primary, margin: '12px 8px', height: 28 }}>{dashboard.title}</h3>
    <div style={{ position: 'relative', margin: 8, height }}>{dashboard.panels.map((p: any) => <Panel key={p.id} panel={p} width={width} />)}</div></ThemeContext.Provider>);
}
main().catch(error => { (window as any).problems = [String(error)]; });
