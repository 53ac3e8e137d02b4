import { chartThemes, type ChartTheme } from './charts/theme.js';
import { readFileSync } from 'node:fs';

type Colour = Exclude<keyof ChartTheme, 'hues'>;

const names = (Object.keys(chartThemes.light) as (keyof ChartTheme)[]).filter((key): key is Colour => key !== 'hues');

const colourOf = (name: string): string => `var(--chart-${name})`;

/** Colours by name, which the page's style sets for the theme that the reader's system has. */
export const cssTheme: ChartTheme = {
  ...(Object.fromEntries(names.map((name) => [name, colourOf(name)])) as Readonly<Record<Colour, string>>),
  hues: chartThemes.light.hues.map((_, i) => colourOf(`hue-${i}`)),
};

/** What these colours are in both themes, as declarations of CSS. */
function chartColours(): string {
  const { light, dark } = chartThemes;
  const both = (name: string, day: string, night: string): string => `--chart-${name}: light-dark(${day}, ${night});`;
  return [
    ...names.map((name) => both(name, light[name], dark[name])),
    ...light.hues.map((hue, i) => both(`hue-${i}`, hue, dark.hues[i])),
  ].join('\n');
}

/** Of the pages' style, what a report is made of, in this order. */
const files = ['colours', 'base', 'components', 'network', 'report'] as const;

// This module stays beside `style/`, in the sources and where it is built to.
const read = (file: string): string => readFileSync(new URL(`./style/${file}.css`, import.meta.url), 'utf8');

let style: string | undefined;

/** The style of a report as one text: it follows the system's theme, and is printed light. */
export function reportStyle(): string {
  style ??= [...files.map(read), `:root {\n${chartColours()}\n}\n`].join('');
  return style;
}
