import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { smallSpace } from '../experiment.js';
import { writeTable } from '../table-experiment.js';
import { makeTinyDataset } from '../../support/tiny-dataset.js';

/** What a run reads, and how it is changed. */
export interface Source {
  readonly file: string;
  /** Writes what it reads; `other`: with another content. */
  readonly write: (content: string) => void;
  /** The choices of a network to enqueue. */
  readonly choices: (depth: number, kernel: string) => Readonly<Record<string, string | number>>;
}

type CreateSource = (folder: string, search: string, constraint: string | null) => Source;

const bounded = (constraint: string | null): string => (constraint === null ? '' : `, constraint: ${constraint}`);

/** Results of a table, in simulated time. */
export const tableSource: CreateSource = (folder, search, constraint) => {
  const lines = [
    'objectives:',
    `  - { name: top-1, column: acc, direction: maximize${bounded(constraint)} }`,
    '  - { name: phone, column: ms, direction: minimize, cost: cheap }',
  ];
  const { file, csv } = writeTable(folder, { search, lines: [lines.join('\n')] });
  const table = readFileSync(csv, 'utf8');
  return {
    file,
    write: (content) => writeFileSync(csv, content === '' ? table : `${table}9,k3,relu,0.99,1,10\n`),
    choices: (depth, kernel) => ({ depth, kernel }),
  };
};

const evaluation = `export default ({ genotype }) => {
  const sum = genotype.reduce((a, b) => a + b, 0);
  return { accuracy: 0.8 + sum / (10 * (sum + 2)) };
};
`;

/** Results of a function of the user's, on the images of a folder that change. */
export const functionSource: CreateSource = (folder, search, constraint) => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'mine.mjs'), evaluation);
  const data = join(folder, 'data');
  const write = (content: string): void => {
    rmSync(data, { recursive: true, force: true });
    makeTinyDataset(data, { train: content === '' ? 20 : 21 });
  };
  write('');
  const file = join(folder, 'experiment.yaml');
  const lines = [
    'name: of-a-function',
    'seed: 3',
    `data: { type: fashion-mnist, path: ${data} }`,
    `space: ${JSON.stringify(smallSpace)}`,
    'evaluate: { type: module, path: ./mine.mjs }',
    `objectives: [{ name: accuracy${bounded(constraint)} }, macs]`,
    `search: ${search}`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return {
    file,
    write,
    choices: (depth, kernel) => ({ 'stage1.kernel': kernel === 'k3' ? 3 : 5, 'stage1.filters': depth > 1 ? 16 : 8 }),
  };
};
