/** The colours of charts. Texts and lines meet the contrast that pages require. */
export interface ChartTheme {
  /** Titles, and labels of marks. */
  readonly ink: string;
  /** Labels of axes, and subtitles. */
  readonly soft: string;
  /** Grid lines. */
  readonly line: string;
  /** The backgrounds of pages and of charts. */
  readonly ground: string;
  readonly card: string;
  /** Colours of lines, safe for colour-blind readers. */
  readonly hues: readonly string[];
  /** The frontier of the search, final accuracies, and enqueued baselines. */
  readonly search: string;
  readonly final: string;
  readonly enqueued: string;
  /** Networks in int8, where colours tell only precisions apart. */
  readonly int8: string;
  /** Background trials, and trials stopped early. */
  readonly faint: string;
  readonly fainter: string;
  /** Constraints, and the area beyond them. */
  readonly bound: string;
  /** The colours of the least and of the greatest value. They differ in lightness, so that they need no colour vision. */
  readonly least: string;
  readonly greatest: string;
}

/** Okabe and Ito's colours ("Color Universal Design", 2008) without yellow, which is too light for lines. */
const okabeIto = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#5b5b5b'] as const;

export const chartThemes: { readonly light: ChartTheme; readonly dark: ChartTheme } = {
  light: {
    ink: '#1f2933',
    soft: '#52606d',
    line: '#e4e7eb',
    ground: '#f5f7fa',
    card: '#ffffff',
    hues: okabeIto,
    search: '#0b5394',
    final: '#d9480f',
    enqueued: '#1e7b34',
    int8: '#d9480f',
    faint: '#9aa5b1',
    fainter: '#c3cbd3',
    bound: '#9b1c1c',
    least: '#dceaf7',
    greatest: '#08407a',
  },
  dark: {
    ink: '#e6ebf0',
    soft: '#a3b1bf',
    line: '#323d49',
    ground: '#12171d',
    card: '#1b222b',
    hues: ['#56b4e9', '#e8833a', '#2fc79a', '#dd9cc0', '#e69f00', '#9fd4f5', '#b5bec8'],
    search: '#7cc0ff',
    final: '#ff9a62',
    enqueued: '#8fdc98',
    int8: '#ff9a62',
    faint: '#78879a',
    fainter: '#4f5d6c',
    bound: '#ff9d9d',
    least: '#223549',
    greatest: '#a9d6ff',
  },
};

/** No quotation marks: they would end the SVG attribute. */
export const font = 'Inter, Segoe UI, Roboto, Helvetica Neue, Arial, DejaVu Sans, sans-serif';

/** The colour of the i-th line; hues repeat. */
export const hueOf = ({ hues }: ChartTheme, i: number): string => hues[i % hues.length];

/** Dashes and marks tell lines apart without colours. */
const dashes: readonly ('solid' | readonly number[])[] = ['solid', [7, 3], [2, 2], [9, 3, 2, 3], [4, 2]];
const symbols = ['circle', 'triangle', 'rect', 'diamond', 'arrow', 'roundRect', 'pin'] as const;

export const dashOf = (i: number): 'solid' | number[] => {
  const dash = dashes[i % dashes.length];
  return typeof dash === 'string' ? dash : [...dash];
};

/** Lines of the same hue differ in their marks. */
export const symbolOf = (i: number): string => symbols[(i + Math.floor(i / symbols.length)) % symbols.length];

/** A colour between two of `#rrggbb`. @param share of the second, in [0, 1] */
export function mixed(a: string, b: string, share: number): string {
  const part = (at: number): string => {
    const [from, to] = [a, b].map((colour) => Number.parseInt(colour.slice(at, at + 2), 16));
    return Math.round(from + share * (to - from))
      .toString(16)
      .padStart(2, '0');
  };
  return `#${part(1)}${part(3)}${part(5)}`;
}
