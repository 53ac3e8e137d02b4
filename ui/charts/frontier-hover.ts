import { textOf, titleOf } from '../data/text.js';
import { plainText } from './frame.js';
import type { FrontierInput, FrontierPoint } from './frontier-points.js';
import type { ChartSeries } from './option.js';

/** What is said of a mark that is pointed at. */
function hoverText(input: FrontierInput, { key, x, y, predicted, from }: Omit<FrontierPoint, 'series'>): string {
  const { plane, measures, precisions } = input;
  const lines = [`#${key.number}${precisions && key.precision !== null ? ` in ${key.precision}` : ''}`];
  lines.push(`${titleOf(measures, plane.y)}: ${textOf(measures, plane.y, y)}`);
  if (from !== undefined) lines.push(`in the search: ${textOf(measures, plane.y, from)}`);
  if (plane.x !== null)
    lines.push(`${titleOf(measures, plane.x)}: ${textOf(measures, plane.x, x)}${predicted ? ' (predicted)' : ''}`);
  return lines.join('\n');
}

const isPoint = (data: unknown): data is { readonly point: FrontierPoint } =>
  typeof data === 'object' && data !== null && 'point' in data;

/** The network of a mark and its values, by what ECharts says of the mark. */
export function frontierHover(input: FrontierInput, series: readonly ChartSeries[]): (at: unknown) => string {
  return (at) => {
    const { data, seriesId, dataIndex } = at as { data: unknown; seriesId?: string; dataIndex: number };
    if (isPoint(data)) {
      const { label } = data.point;
      const text = hoverText(input, data.point);
      return plainText(label === undefined || text.startsWith(label) ? text : `${label}\n${text}`);
    }
    const keyAt = series.find(({ id }) => id === seriesId)?.keyAt;
    const cloud = input.clouds?.find((each) => each.keyAt === keyAt);
    if (cloud === undefined) return '';
    const [x, y] = cloud.xy.subarray(2 * dataIndex, 2 * dataIndex + 2);
    return plainText(hoverText(input, { key: cloud.keyAt(dataIndex), x, y, predicted: cloud.predicted }));
  };
}
