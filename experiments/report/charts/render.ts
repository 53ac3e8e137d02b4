import type { TopLevelSpec } from 'vega-lite';
import { messageOf } from '../../../base/errors.js';

/** Colours of every chart: the frontier, its final accuracies, and everything else in the background. */
export const palette = {
  background: '#ffffff',
  ink: '#1f2933',
  soft: '#616e7c',
  grid: '#e4e7eb',
  faint: '#9aa5b1',
  fainter: '#cbd2d9',
  search: '#1864ab',
  final: '#d9480f',
  enqueued: '#2b8a3e',
} as const;

/** Okabe and Ito's colours for lines, told apart by everybody. */
export const hues = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#5b5b5b'] as const;

const font = 'Inter, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif';

/** One look for all charts; light, readable when printed. */
const config: TopLevelSpec['config'] = {
  font,
  background: palette.background,
  padding: 16,
  title: {
    anchor: 'start',
    fontSize: 17,
    fontWeight: 600,
    color: palette.ink,
    subtitleFontSize: 12,
    subtitleColor: palette.soft,
    subtitlePadding: 6,
    subtitleLineHeight: 16,
    offset: 14,
  },
  view: { stroke: null },
  axis: {
    labelFontSize: 12,
    titleFontSize: 13,
    titleFontWeight: 600,
    titlePadding: 10,
    labelColor: palette.soft,
    titleColor: palette.ink,
    gridColor: palette.grid,
    domainColor: palette.faint,
    tickColor: palette.faint,
    labelPadding: 5,
  },
  legend: {
    labelFontSize: 12,
    labelColor: palette.ink,
    symbolSize: 90,
    symbolOpacity: 1,
    labelLimit: 0,
    orient: 'bottom',
    direction: 'horizontal',
    columnPadding: 22,
    title: null,
    offset: 14,
  },
};

/**
 * A Vega-Lite chart as an SVG text, drawn without a browser or a canvas. The same chart gives the same text.
 * Vega is loaded here, when a chart is really drawn.
 */
export async function renderSvg(spec: TopLevelSpec): Promise<string> {
  const [vega, lite] = await Promise.all([import('vega'), import('vega-lite')]);
  const warnings: string[] = [];
  const record = (...messages: readonly unknown[]): void => void warnings.push(messages.map(messageOf).join(' '));
  const logger = vega.logger(vega.Warn, undefined, (_method: string, _level: unknown, messages: readonly unknown[]) =>
    record(...messages),
  );
  vega.resetSVGDefIds();
  const compiled = lite.compile({ ...spec, config }, { logger });
  const view = new vega.View(vega.parse(compiled.spec), { renderer: 'none', logger });
  try {
    const svg = await view.toSVG();
    if (warnings.length > 0) throw new Error(`a chart was drawn with warnings: ${warnings.join('; ')}`);
    return svg;
  } finally {
    view.finalize();
  }
}
