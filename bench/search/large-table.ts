import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';

/** Resources used by a process. `ready`: before the first ask; `trials`: after a stride; `end`: after the report. */
export interface Mark {
  readonly at: 'ready' | 'trials' | 'end';
  readonly trials: number;
  readonly cpuSeconds: number;
  readonly mib: number;
}

/** Number of trials between two marks. */
export const stride = 5000;

const decisions = 8;
const choices = 4;

/** The decisions are the base-4 digits of the row number, least significant first. */
const genotypeOf = (row: number): number[] => Array.from({ length: decisions }, (_, i) => (row >> (2 * i)) % choices);

const names = Array.from({ length: decisions }, (_, i) => `d${i}`);

/** A table row: a network with its values. */
export interface LargeRow {
  readonly genotype: readonly number[];
  readonly choices: Readonly<Record<string, string>>;
  readonly values: { readonly acc: number; readonly ms: number };
  /** Line of the file, from 1. */
  readonly line: number;
}

/**
 * A synthetic table of 4^8 = 65,536 networks with accuracy and latency. Accuracy grows with latency, and every decision has
 * a best choice.
 */
export const rowsOfLargeTable = (): LargeRow[] =>
  Array.from({ length: choices ** decisions }, (_, row) => {
    const genotype = genotypeOf(row);
    const work = genotype.reduce((sum, index, i) => sum + index * (1 + (i % 3)), 1);
    const misfit = genotype.reduce((sum, index, i) => sum + ((index - ((i * 7) % choices)) / choices) ** 2, 0);
    const accuracy = 1 - 1 / (1.5 + work) - misfit / 40;
    return {
      genotype,
      choices: Object.fromEntries(names.map((name, i) => [name, `c${genotype[i]}`])),
      values: { acc: Number(accuracy.toFixed(6)), ms: Number((work / 4).toFixed(3)) },
      line: row + 2,
    };
  });

/** Writes the table as `table.csv`. @returns its path. */
export function writeLargeTable(folder: string): string {
  const lines = rowsOfLargeTable().map(({ choices: chosen, values: { acc, ms } }) =>
    [...names.map((name) => chosen[name]), acc.toFixed(6), ms.toFixed(3)].join(),
  );
  const file = join(folder, 'table.csv');
  writeFileSync(file, `${[[...names, 'acc', 'ms'].join(), ...lines].join('\n')}\n`);
  return file;
}

/** Writes an experiment on `table.csv` in the same folder. @returns its path. */
export function writeSearch(folder: string, controller: string, trials: number): string {
  const file = join(folder, `${controller}-${trials}.yaml`);
  const experiment = {
    name: `${controller}-${trials}`,
    space: { type: 'table', file: 'table.csv', decisions: names },
    objectives: [
      { name: 'acc', direction: 'maximize', cost: 'expensive' },
      { name: 'ms', direction: 'minimize', cost: 'cheap' },
    ],
    search: { controller, trials },
  };
  writeFileSync(file, stringify(experiment));
  return file;
}
