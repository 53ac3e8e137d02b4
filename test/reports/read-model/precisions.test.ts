import { join } from 'node:path';
import picocolors from 'picocolors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesOf, frontierTable, precisionsListing } from '../../../cli/output/trials.js';
import {
  collectFinals,
  collectFrontier,
  collectMember,
  collectReport,
  collectTrial,
  collectTrials,
  toCsv,
  verdictText,
  type ReportData,
  type ReportMember,
  type ReportTrial,
} from '../../../reports/index.js';
import { precisionsText } from '../../../runner/compress/verdict.js';
import { Store } from '../../../store/index.js';
import { renderFrontier, renderPage, renderPrediction } from '../../../ui/index.js';
import { storedRun } from '../../cli/stored-run.js';
import { storedRunInPrecisions } from './precisions.js';
import { sharedFolder } from '../../support/temporary.js';
import { newTrial } from '../../store/support.js';

const plain = picocolors.createColors(false);
const folder = sharedFolder();
let store: Store;
let frontier: readonly ReportTrial[];

const both = (): number =>
  frontier.map(({ number }) => number).find((number, i, all) => all.indexOf(number) !== i) ?? -1;

beforeAll(async () => {
  store = await storedRunInPrecisions(join(folder, 'run'), 40);
  const measured = (value: number) => ({ value, provenance: 'measured' }) as const;
  const int8 = { accuracy: measured(0.98), latency_ms: measured(0.4) };
  store.variants.revise(3, 'fp32', { accuracy: measured(0.99), latency_ms: measured(0.5) });
  store.variants.revise(3, 'int8', int8);
  store.trials.revise(3, int8, 'int8');
  frontier = collectFrontier(store);
  for (const { number, precision, values } of frontier) {
    const training = { state: 'complete', epochs: 3, seconds: 9 } as const;
    const accuracy = precision === 'int8' ? 0.5 : values['accuracy'];
    store.finals.finish(number, { ...training, precision: precision ?? 'fp32', accuracy, testAccuracy: 0.9 });
    const kind = precision === 'int8' ? 'onnx-int8' : 'onnx';
    const file = { kind, path: `trial-${number}.${kind}`, sha256: 'ab', bytes: 1 };
    store.artifacts.add({ stage: 'final', trial: number }, file);
  }
});
afterAll(() => store.close());

describe('the frontier of a run in two precisions', () => {
  it('holds a trial in each accepted, non-dominated precision', () => {
    const places = frontier.map(({ number, precision }) => `${number} ${precision ?? ''}`);
    expect(places).toEqual(['3 int8', '3 fp32']);
    expect(both()).toBe(3);
    expect(frontier.map(({ values }) => values['latency_ms'])).toEqual([0.4, 0.5]);
  });

  it('has the final results and the final frontier of each precision', () => {
    const finals = collectFinals(store);
    expect(finals.all).toHaveLength(2);
    expect(finals.of({ number: 3, precision: 'int8' })).toMatchObject({ accuracy: 0.5, onFrontier: true });
    expect(finals.of({ number: 3, precision: 'fp32' })).toMatchObject({ accuracy: 0.99, onFrontier: true });
    expect(finals.of({ number: 0, precision: 'fp32' })).toBeUndefined();
    const table = frontierTable(store, 'runs/a', plain).split('\n');
    expect(table[0]).toMatch(/^trial +precision +search accuracy/);
    expect(table[1]).toMatch(/^ +3 +int8 .* 50\.00 % +yes +90\.00 %$/);
    expect(table[2]).toMatch(/^ +3 +fp32 .* 99\.00 % +yes +90\.00 %$/);
  });

  it('has measurements, predictions and files of each precision', async () => {
    const [int8, fp32] = await Promise.all(frontier.map((trial) => collectMember(store, trial)));
    expect(int8.files.map(({ path }) => path)).toEqual(['trial-3.onnx-int8']);
    expect(fp32.files.map(({ path }) => path)).toEqual(['trial-3.onnx']);
    expect(filesOf(int8).map(({ path }) => path)).toEqual(['trial-3.onnx-int8', 'trial-3.onnx']);
    const [slow, fast] = store.measurements.of(3).map(({ ms }) => ms);
    expect([int8.latency?.ms, fp32.latency?.ms]).toEqual([fast, slow]);
    expect([int8.costs?.sizeBytes, fp32.costs?.sizeBytes]).toEqual([1000, 4000]);
    expect(int8.kept).toMatchObject({ fp32: { final: { accuracy: 0.99 } }, int8: { final: { accuracy: 0.5 } } });
  });
});

describe('tables and files of a run in two precisions', () => {
  it('carry the chosen precision', () => {
    const trials = collectTrials(store);
    expect(trials.slice(0, 5).map(({ precision }) => precision)).toEqual(['fp32', 'fp32', 'fp32', 'int8', 'int8']);
    expect(collectTrials(store, { precision: 'int8', limit: 3 }).map(({ number }) => number)).toEqual([3, 4, 8]);
    expect(store.trials.count({ precision: 'int8' })).toBe(16);
    const [header, first] = toCsv(trials, []).split('\n');
    expect(header).toMatch(/^trial,state,precision,/);
    expect(first).toMatch(/^0,complete,fp32,/);
    expect(toCsv(frontier, [])).toMatch(/\n3,complete,int8,.*\n3,complete,fp32,/);
  });

  it('show the verdicts on both precisions', async () => {
    const shown = async (number: number): Promise<string> => {
      const trial = collectTrial(store, number);
      return trial === undefined ? '' : precisionsListing('classification', await collectMember(store, trial), plain);
    };
    const [tooSlow, tooPoor, failed, best] = await Promise.all([0, 1, 2, 3].map(shown));
    expect(tooSlow).toMatch(/^\nPrecisions\nprecision +accuracy +latency +model size +verdict\n/);
    expect(tooSlow).toMatch(/\nfp32 .* ms measured +3\.91 KiB +chosen\n/);
    expect(tooSlow).toMatch(/\nint8 +- .* 1,000 B +rejected: int8 is 0\.80 × as fast \(min_speedup 1\.05\)\n$/);
    expect(tooPoor).toMatch(/rejected: int8 loses 3\.00 points/);
    expect(failed).toMatch(/rejected: int8 cannot be had: no such operator\n$/);
    expect(best).toMatch(/final accuracy +test accuracy +verdict\n/);
    expect(best).toMatch(/\nfp32 .* 99\.00 % +90\.00 % +accepted\n/);
    expect(best).toMatch(/\nint8 .* 50\.00 % +90\.00 % +chosen: 1\.50 × as fast, −0\.2 points\n$/);
    const open = { precision: 'int8', values: {}, provenance: {}, reason: null, detail: null } as const;
    expect(verdictText({ ...open, accepted: null }, null)).toBe('not judged yet');
    expect(verdictText({ ...open, accepted: true }, 'fp32')).toBe('accepted');
  });
});

describe('the report of a run in two precisions', () => {
  let data: ReportData;
  beforeAll(async () => {
    data = await collectReport(store);
  });

  it('counts verdicts on int8', () => {
    expect(data.precisions).toEqual({
      judged: 40,
      accepted: 16,
      chosen: 16,
      rejected: { speed: 8, accuracy: 8, quantizing: 8 },
      rejections: ['8 rejected by speed', '8 rejected by accuracy', '8 could not be quantized'],
      speedup: 1.5,
      accuracyChange: expect.closeTo(-0.002) as number,
    });
    expect(data.precisions && precisionsText(data.precisions)).toBe(
      'int8 chosen for 16 of 40 trials (8 rejected by speed, 8 rejected by accuracy, 8 could not be quantized)',
    );
    expect(JSON.parse(JSON.stringify(data))).toEqual(data);
  });

  it('draws them with different marks and a legend', () => {
    const svg = renderFrontier(data);
    for (const series of ['trials', 'frontier, in the search', 'after the final training'])
      for (const precision of ['fp32', 'int8']) expect(svg).toContain(`>${series}: ${precision}</text>`);
    const marks = svg.matchAll(/<path d="([^"]*)" transform="matrix\(([^"]*),[\d.-]+,[\d.-]+\)" fill="([^"]*)"/g);
    const looks = new Set([...marks].map(([, path, turn, fill]) => `${path} ${turn} ${fill}`));
    // Trials in both, members in both, and their final accuracies in both.
    expect([...looks]).toHaveLength(6);
    expect(svg).toContain('2 on the frontier (1 fp32, 1 int8).');
    expect(Number(/width="(\d+)"/.exec(svg)?.[1])).toBeLessThan(1000);
  });

  it('has a section, a column, and a card for each candidate', () => {
    const page = renderPage(data);
    expect(page).toContain('<h2>Precisions</h2>');
    expect(page).toContain('for 16 of 40 judged trials');
    expect(page).toContain('1.50 × as fast as fp32');
    expect(page).toContain('<th scope="col">precision</th>');
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(ids).toEqual(expect.arrayContaining(['trial-3-int8', 'trial-3-fp32']));
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, id] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(id);
  });

  it('has the prediction quality of each', () => {
    const pairs = [1, 2, 3, 4].flatMap((ms) => [
      { trial: ms, precision: 'fp32' as const, predicted: ms, measured: ms },
      { trial: ms, precision: 'int8' as const, predicted: 1.5 * ms, measured: ms },
    ]);
    const precisions = [
      { precision: 'fp32' as const, count: 4, unreliable: 0, mape: 0, mapeError: 0, spearman: 1 },
      { precision: 'int8' as const, count: 4, unreliable: 1, mape: 50, mapeError: 2, spearman: 1 },
    ];
    const prediction = { pairs, count: 8, unreliable: 0, mapeError: 1, mape: 25, spearman: 0.9, precisions };
    const svg = renderPrediction(prediction);
    expect(svg).toContain('>int8: 4 networks, 1 of them not reliably measured; mean error 50.0 % ±<');
    expect(svg).toContain('>int8</text>');
    expect(renderPage({ ...data, prediction })).toContain('fp32: 4 networks; mean error 0.0 % ± 0.0');
  });
});

describe('predictions of a run in two precisions', () => {
  it('are compared with measurements of the same precision', async () => {
    const path = join(folder, 'predicted');
    const predicted = await storedRunInPrecisions(path, 4);
    for (let number = 4; number < 9; number++) {
      const { genotypeId } = predicted.trials.get(0) ?? { genotypeId: '' };
      const predictions = {
        fp32: { ms: 1 + number, std: 0.1, coverage: 1 },
        int8: { ms: 2 * number, std: 0.1, coverage: 1 },
      };
      predicted.trials.ask(
        newTrial(number, { genotypeId: `${genotypeId} ${number}`, choices: {}, network: {}, predictions }),
      );
      const [measurement] = predicted.measurements.of(0);
      for (const precision of ['fp32', 'int8'] as const)
        predicted.measurements.add({
          ...measurement,
          trial: number,
          network: {},
          precision,
          samples: [1],
          ms: precision === 'fp32' ? 1 + number : number,
        });
    }
    const { prediction } = await collectReport(predicted);
    expect(prediction?.pairs).toHaveLength(10);
    expect(prediction?.precisions).toEqual([
      { precision: 'fp32', count: 5, unreliable: 0, mape: 0, mapeError: 0, spearman: 1 },
      { precision: 'int8', count: 5, unreliable: 0, mape: 100, mapeError: 0, spearman: 1 },
    ]);
    predicted.close();
  });
});

describe('a run with fp32 only', () => {
  it('has no precisions in its answers', async () => {
    const path = join(folder, 'plain');
    await storedRun(path, 12);
    const single = Store.open(join(path, 'nas.sqlite'));
    const data = await collectReport(single);
    const members: readonly ReportMember[] = data.frontier;
    const texts = [
      JSON.stringify({ ...data, settings: '' }),
      toCsv(collectTrials(single), data.objectives),
      frontierTable(single, 'runs/a', plain),
      members.map((member) => precisionsListing('classification', member, plain)).join(''),
      renderFrontier(data),
      renderPage({ ...data, settings: '' }).replace(/<style>[^]*<\/style>/, ''),
    ];
    for (const text of texts) expect(text).not.toMatch(/precision|fp32|int8|variants/i);
    single.close();
  });
});
