import { join } from 'node:path';
import picocolors from 'picocolors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { shrunkListing, shrunkTable } from '../../../cli/output/shrunk.js';
import { collectReport, collectShrunk } from '../../../reports/index.js';
import { trialTitle } from '../../../reports/read-model/text.js';
import { costs, type Network } from '../../../spaces/index.js';
import { Store, type NewShrunk } from '../../../store/index.js';
import { renderPage } from '../../../ui/index.js';
import { storedRun } from '../../cli/stored-run.js';
import { temporaryFolder } from '../../support/temporary.js';

const plain = picocolors.createColors(false);

let store: Store;
/** MACs and accuracies of the trials, by number. */
let trials: { readonly macs: number; readonly accuracy: number }[] = [];

beforeEach(async () => {
  const folder = temporaryFolder();
  await storedRun(folder, 12);
  store = Store.open(join(folder, 'nas.sqlite'));
  trials = store.trials.all().map(({ genotypeId, values }) => ({
    macs: costs(store.networks.get(genotypeId) as Network).macs,
    accuracy: values['accuracy'].value,
  }));
});
afterEach(() => store.close());

/** The median of the trials' MACs, so that some have more and some have less. */
const middle = (): number => trials.map(({ macs }) => macs).sort((a, b) => a - b)[6];

const largest = (): number => trials.findIndex(({ macs }) => trials.every((other) => other.macs <= macs));

function begin(changes: Partial<NewShrunk> = {}): number {
  const parent = largest();
  const network = store.networks.get(store.trials.get(parent)?.genotypeId ?? '');
  return store.shrunk.begin({
    parent,
    network,
    target: { objective: 'macs', value: middle() },
    importance: 'taylor',
    multiple: 4,
    widths: { head: 4 },
    macs: middle(),
    params: 7,
    latencies: null,
    epochs: 1,
    ...changes,
  });
}

const accurate = (among: readonly number[]): number =>
  among.reduce((best, i) => (trials[i].accuracy > trials[best].accuracy ? i : best));

describe('shrunk networks of a report', () => {
  it('have the most accurate other trial of no more MACs as alternative', async () => {
    begin();
    const [{ alternative, from, tuned }] = await collectShrunk(store);
    const within = [...trials.keys()].filter((i) => i !== largest() && trials[i].macs <= middle());
    expect(within.length).toBeGreaterThan(3);
    expect(alternative?.trial).toBe(accurate(within));
    expect(from.macs).toBe(trials[largest()].macs);
    expect(tuned).toEqual({
      title: 'shrunk 0, fine-tuned',
      macs: middle(),
      params: 7,
      latency: null,
      accuracy: null,
      testAccuracy: null,
    });
  });

  it('have a trial of no higher measured latency as alternative', async () => {
    const others = [...trials.keys()].filter((i) => i !== largest());
    const measured = Object.fromEntries(others.slice(0, 4).map((i, at) => [i, at < 2 ? 0.4 : 0.6]));
    begin({
      target: { objective: 'latency_ms', value: 0.55 },
      latencies: { device: 'local', on: { type: 'local' }, own: 0.5, parent: 1, trials: measured },
    });
    const [{ alternative, from, tuned }] = await collectShrunk(store);
    expect(alternative).toMatchObject({ trial: accurate(others.slice(0, 2)), latency: 0.4 });
    expect([from.latency, tuned.latency]).toEqual([1, 0.5]);
  });

  it('are compared with one kind of accuracy, final ones if any', async () => {
    begin();
    const poorest = [...trials.keys()]
      .filter((i) => i !== largest() && trials[i].macs <= middle())
      .reduce((worst, i) => (trials[i].accuracy < trials[worst].accuracy ? i : worst));
    store.finals.finish(poorest, {
      state: 'complete',
      accuracy: 0.5,
      testAccuracy: 0.4,
      epochs: 9,
      seconds: 1,
      from: 'nothing',
    });
    const [{ alternative }] = await collectShrunk(store);
    expect(alternative).toMatchObject({ trial: poorest, accuracy: 0.5, testAccuracy: 0.4 });
  });

  it('are shown as a table with a verdict, and on the page when complete', async () => {
    const number = begin();
    expect(renderPage(await collectReport(store))).not.toContain('Shrunk networks');
    store.shrunk.finish(number, {
      state: 'complete',
      accuracy: 0.7,
      testAccuracy: 0.69,
      accuracyBefore: 0.3,
      seconds: 1,
    });
    const [shrunk] = await collectShrunk(store);
    const text = shrunkTable(shrunk, plain);
    expect(text).toContain(`shrunk 0, fine-tuned`);
    expect(text).toMatch(/30\.00 %/);
    const points = 100 * ((shrunk.alternative?.accuracy ?? NaN) - 0.7);
    expect(text).toContain(`of no more MACs, has ${points.toFixed(2)} points more`);
    expect(shrunkListing([shrunk], plain)).toMatch(/0 {2}trial \d+ +[\d.]+ [kM] MACs +complete +70\.00 % +69\.00 %/);
    expect(renderPage(await collectReport(store))).toContain('Shrunk networks');
  });

  it('name the kind of accuracy of untrained slices', async () => {
    const number = begin();
    const others = { accuracy: 0.7, testAccuracy: 0.69, accuracyBefore: 0.3, seconds: 1 };
    store.shrunk.finish(number, { state: 'complete', ...others });
    const [{ alternative, ...shrunk }] = await collectShrunk(store);
    expect([shrunk.fromMeasure, alternative?.measure]).toEqual(['accuracy', 'accuracy']);
    if (alternative === null) throw new Error('there is no other trial');
    const slices = { ...shrunk, alternative: { ...alternative, measure: 'supernet_accuracy' } };
    const text = shrunkTable(slices, plain);
    expect(text).toContain(alternative.title);
    expect(alternative.title).toBe(`trial ${alternative.trial}, of no more MACs`);
    expect(trialTitle(3, 'supernet_accuracy', ', no slower')).toBe('trial 3, no slower (supernet accuracy)');
    expect(text).toContain('Its accuracy is supernet accuracy: trained as long, it may have more.');
  });

  it('say when there is no alternative', async () => {
    begin({ macs: 1, target: { objective: 'macs', value: 1 } });
    const [shrunk] = await collectShrunk(store);
    expect(shrunk.alternative).toBeNull();
    expect(shrunkTable(shrunk, plain)).toContain('No other trial of this run is of no more MACs.');
  });
});
