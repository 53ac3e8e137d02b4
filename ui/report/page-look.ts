import { looks, type Look } from '../charts/look.js';

type Colour = Exclude<keyof Look, 'hues'>;

const names = (Object.keys(looks.light) as (keyof Look)[]).filter((key): key is Colour => key !== 'hues');

const colourOf = (name: string): string => `var(--chart-${name})`;

/** Colours by name, which the page's style sets for the theme that the reader's system has. */
export const pageLook: Look = {
  ...(Object.fromEntries(names.map((name) => [name, colourOf(name)])) as Readonly<Record<Colour, string>>),
  hues: looks.light.hues.map((_, i) => colourOf(`hue-${i}`)),
};

/** What these colours are in both themes, as declarations of CSS. */
export function chartColours(): string {
  const { light, dark } = looks;
  const both = (name: string, day: string, night: string): string => `--chart-${name}: light-dark(${day}, ${night});`;
  return [
    ...names.map((name) => both(name, light[name], dark[name])),
    ...light.hues.map((hue, i) => both(`hue-${i}`, hue, dark.hues[i])),
  ].join('\n');
}
