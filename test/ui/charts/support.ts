import type { ChartOption } from '../../../ui/charts/echarts.js';
import { renderSvg } from '../../../ui/charts/svg.js';

/** Texts of a picture, in the order in which they are drawn. */
export const textsOf = (option: ChartOption, size = { width: 860, height: 480 }): string[] =>
  [...renderSvg(option, size).matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);

/** What an option says of a mark that is pointed at. */
export function hoverOf({ tooltip }: ChartOption, at: unknown): string {
  const { formatter } = tooltip as { formatter: (at: unknown) => string };
  return formatter(at);
}
