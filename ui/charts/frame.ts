import { font, type Look } from './look.js';

/** Words above a chart. */
export interface Heading {
  readonly title?: string;
  readonly subtitle?: readonly string[];
}

const lineHeight = 16;

/** Where the plot begins under its heading, px. */
export const topOf = ({ title, subtitle = [] }: Heading): number =>
  (title === undefined ? 14 : 46) + lineHeight * subtitle.length + (subtitle.length > 0 ? 8 : 0);

const titleOf = ({ title, subtitle = [] }: Heading, look: Look) =>
  title === undefined
    ? {}
    : {
        title: {
          left: 10,
          top: 10,
          text: title,
          subtext: subtitle.join('\n'),
          itemGap: 8,
          textStyle: { color: look.ink, fontFamily: font, fontSize: 17, fontWeight: 600 },
          subtextStyle: { color: look.soft, fontFamily: font, fontSize: 12, lineHeight },
        },
      };

/** What lies around the plot of every chart: colours, heading, margins, legend at the foot, words on what is pointed at. */
export const frameOf = (look: Look, heading: Heading, legend: { readonly rows: number }) => ({
  animation: false,
  backgroundColor: look.card,
  ...titleOf(heading, look),
  grid: {
    left: 14,
    right: 26,
    top: topOf(heading),
    bottom: 12 + 24 * legend.rows,
    outerBoundsMode: 'same' as const,
    outerBoundsContain: 'all' as const,
  },
  tooltip: {
    ...tooltipLook(look),
    trigger: 'item' as const,
  },
});

/** Drawn on the canvas as plain text: what users wrote never becomes markup. */
export const tooltipLook = (look: Look) => ({
  renderMode: 'richText' as const,
  confine: true,
  transitionDuration: 0,
  backgroundColor: look.card,
  borderColor: look.faint,
  borderWidth: 1,
  textStyle: { color: look.ink, fontFamily: font, fontSize: 13, lineHeight: 19 },
});

/** Of legends, px. */
export const legendSizes = { itemGap: 18, itemWidth: 14, itemHeight: 11 } as const;

export const legendLook = (look: Look) => ({
  bottom: 6,
  left: 'center' as const,
  ...legendSizes,
  textStyle: { color: look.ink, fontFamily: font, fontSize: 12 },
  inactiveColor: look.faint,
});

/** Braces would be read as the beginning of a style. */
export const plainText = (text: string): string => text.replaceAll('{', '(').replaceAll('}', ')');

/** What ECharts says of the mark that is pointed at. */
export interface Pointed {
  readonly seriesName?: string;
  readonly seriesIndex?: number;
  readonly dataIndex: number;
  readonly value: unknown;
  readonly data: unknown;
}

/** A tooltip's formatter of marks one by one; what it gives is written as it is. */
export const saying =
  (text: (at: Pointed) => string) =>
  (at: unknown): string =>
    plainText(text(at as Pointed));

/** The numbers of a mark's value; what is no number is NaN. */
export const numbersOf = ({ value }: Pick<Pointed, 'value'>): readonly number[] =>
  Array.isArray(value) ? value.map(Number) : [Number(value)];
