import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { readCsv, recogniseDecisions } from '../../spaces/index.js';
import type { Comparison } from './task.js';

/** The options of benchmarks that search a table for several devices. */
export const deviceOptions = {
  table: {
    type: 'string',
    default: '../shared/data/nb201.csv',
    describe: 'CSV file of results, one row per network',
  },
  quality: { type: 'string', default: 'cifar10_test', describe: 'column of the quality, to be maximised' },
  devices: {
    type: 'string',
    default: 'pixel3,gold_6240,titanx_32,samsung_a50,essential_ph_1,1080ti_1',
    describe: 'latency columns, separated by commas',
  },
} as const;

export const listed = (text: string): string[] => text.split(',').filter(Boolean);

/** The space, and quality and latency on each device as the objectives `accuracy` and `latency`. Ends the program without the table. */
export function deviceProblems(
  { table, quality, devices }: { readonly [K in keyof typeof deviceOptions]: string },
  latency: 'cheap' | 'expensive',
): Pick<Comparison, 'space' | 'variants'> {
  const file = resolve(table);
  if (!existsSync(file)) {
    process.stderr.write(`skipped: no table at ${file}; --table names a CSV file with one row per network\n`);
    process.exit(0);
  }
  return {
    space: { type: 'table', file, decisions: recogniseDecisions(readCsv(file)) },
    variants: listed(devices).map((device) => ({
      name: device,
      objectives: [
        { name: 'accuracy', column: quality, direction: 'maximize', cost: 'expensive' },
        { name: 'latency', column: device, direction: 'minimize', cost: latency },
      ],
    })),
  };
}
