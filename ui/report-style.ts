import { chartThemes, type ChartTheme } from './charts/theme.js';
import { readFileSync } from 'node:fs';

type Colour = Exclude<keyof ChartTheme, 'hues'>;

const names = (Object.keys(chartThemes.light) as (keyof ChartTheme)[]).filter((key): key is Colour => key !== 'hues');

const colourOf = (name: string): string => `var(--chart-${name})`;

/** A chart theme of CSS variables, which follow the reader's light or dark theme. */
export const cssTheme: ChartTheme = {
  ...(Object.fromEntries(names.map((name) => [name, colourOf(name)])) as Readonly<Record<Colour, string>>),
  hues: chartThemes.light.hues.map((_, i) => colourOf(`hue-${i}`)),
};

function chartColours(): string {
  const { light, dark } = chartThemes;
  const both = (name: string, day: string, night: string): string => `--chart-${name}: light-dark(${day}, ${night});`;
  return [
    ...names.map((name) => both(name, light[name], dark[name])),
    ...light.hues.map((hue, i) => both(`hue-${i}`, hue, dark.hues[i])),
  ].join('\n');
}

const files = ['colours', 'base', 'components', 'network', 'report'] as const;

// `style/` is next to this module, in the sources and in the build.
const read = (file: string): string => readFileSync(new URL(`./style/${file}.css`, import.meta.url), 'utf8');

let style: string | undefined;

/** The style of a report. It follows the system's theme; prints are light. */
export function reportStyle(): string {
  style ??= [...files.map(read), `:root {\n${chartColours()}\n}\n`].join('');
  return style;
}

/** The style of a contact sheet, in the same way. */
export const sheetStyle = (): string => ['colours', 'base', 'report', 'sheet'].map(read).join('');
