import { readFileSync } from 'node:fs';
import { chartColours } from './report/page-look.js';

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
