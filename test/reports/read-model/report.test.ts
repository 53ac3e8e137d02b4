import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseExperiment } from '../../../experiments/parse/index.js';
import {
  collectReport,
  collectTrials,
  duration,
  objectiveValue,
  toCsv,
  type ReportData,
} from '../../../reports/index.js';
import { Store } from '../../../store/index.js';
import { syntheticReport } from './synthetic.js';
import { sharedFolder } from '../../support/temporary.js';
import { newTrial, meta } from '../../store/support.js';

const folder = sharedFolder();

let data: ReportData;
beforeAll(async () => {
  data = await syntheticReport();
});

describe('CSV', () => {
  it('has the columns trial, state, decisions, objectives', () => {
    const [header, ...rows] = toCsv(data.trials, data.objectives).trimEnd().split('\n');
    const names = Object.keys(data.trials[0].choices);
    expect(header).toBe(['trial', 'state', ...names, 'accuracy', 'latency_ms'].join(','));
    expect(rows).toHaveLength(data.trials.length);
  });

  it('quotes any text reversibly', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (name, choice) => {
        const trial = { ...data.trials[0], choices: { [name]: choice } };
        const text = toCsv([trial], []);
        expect(parseCsv(text)).toEqual([
          ['trial', 'state', ...Object.keys(trial.choices)],
          ['0', 'complete', choice],
        ]);
      }),
    );
  });
});

/** An independent RFC 4180 parser. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, cell, end] of text.matchAll(/("(?:[^"]|"")*"|[^",\r\n]*)(,|\n)/g)) {
    row.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end === '\n') rows.push(row);
    if (end === '\n') row = [];
  }
  return rows;
}

describe('a report of a real store', () => {
  it('is collected', async () => {
    const { experiment, source } = parseExperiment('exp.yaml', 'name: stored\ndata: fashion-mnist\nspace: mobilenet\n');
    const own = { ...meta, name: 'stored', source, experiment, written: undefined };
    const store = Store.create(join(folder, 'nas.sqlite'), own, () => 1e12);
    const [first] = data.frontier;
    const { genotypeId, choices, network } = first;
    const genotype = genotypeId.split('-').map(Number);
    store.trials.ask(newTrial(0, { genotype, genotypeId, choices, network, rejected: 3 }));
    store.trials.finish(0, {
      state: 'complete',
      values: {
        accuracy: { value: 0.8, provenance: 'measured' },
        latency_ms: { value: 0.2, provenance: 'predicted' },
      },
    });
    const report = await collectReport(store);
    expect(report.run).toMatchObject({ name: 'stored', planned: 50, rejected: 3, counts: { complete: 1 } });
    expect(report.frontier).toHaveLength(1);
    expect(report.frontier[0]).toMatchObject({ number: 0, latency: null, final: null, network });
    expect(report.trials).toEqual(collectTrials(store));
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    store.close();
  });
});

describe('values as text', () => {
  it.each([
    ['accuracy', 0.91234, '91.23 %'],
    ['latency_ms', 0.123456, '0.123 ms'],
    ['macs', 1_234_567, '1.23 M'],
    ['params', 999, '999'],
    ['size_bytes', 1536, '1.5 KiB'],
    ['accuracy', undefined, '-'],
  ])('%s %s is %s', (name, value, text) => {
    expect(objectiveValue(name, value)).toBe(text);
  });

  it('of time', () => {
    expect([45, 600, 3 * 3600 + 300, 98 * 3600].map(duration)).toEqual(['45 s', '10 min', '3 h 05 min', '4 d 02 h']);
  });
});
