import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../../base/processes.js';

const folder = join(packageRoot(fileURLToPath(import.meta.url)), 'deploy', 'edge', 'c');

/** A file of the package: a kernel, or one that is written beside each model. */
export const ownFile = (name: string): string => readFileSync(join(folder, name), 'utf8');

/** Numbers in lines of up to 120 characters. */
function lines(values: ArrayLike<number>): string {
  const result: string[] = [];
  let line = ' ';
  for (let i = 0; i < values.length; i++) {
    const text = ` ${values[i]},`;
    if (line.length + text.length > 120) {
      result.push(line);
      line = ' ';
    }
    line += text;
  }
  return [...result, line].join('\n');
}

export const array = (declaration: string, values: ArrayLike<number>): string =>
  `${declaration} = {\n${lines(values)}\n};\n`;

export const quoted = (text: string): string => JSON.stringify(text.normalize()).replaceAll('?', '\\?');
export const float = (value: number): string => `${value.toPrecision(9)}f`;
