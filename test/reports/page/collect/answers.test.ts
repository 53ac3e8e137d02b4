import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectCurves } from '../../../../reports/page/collect/columns.js';
import { collectPredictions } from '../../../../reports/read-model/statistics.js';
import { collectRunAnswer } from '../../../../reports/page/collect/run-answer.js';
import { collectTrialAnswer, commandsFor } from '../../../../reports/page/collect/trial-answer.js';
import { factsOf } from '../../../../reports/read-model/run.js';
import { RunCache } from '../../../../reports/page/collect/run-cache.js';
import { shellWord } from '../../../../base/text.js';
import { collectImportance } from '../../../../reports/page/collect/importance.js';
import { loadExperiment } from '../../../../experiments/parse/index.js';
import { Store } from '../../../../store/index.js';
import { nasInside, expectRefusal } from '../../../cli/nas.js';
import { sharedFolder, temporaryFolder } from '../../../support/temporary.js';
import { writeTable } from '../../../runner/table-experiment.js';
import { storedRunInPrecisions } from '../../read-model/precisions.js';
import { ask, begun, epoch, experimentOn, measured } from './history.js';
import { newMeasurement, newTrial } from '../../../store/support.js';

const measurement = (trial: number, ms: number, samples: readonly number[] = [ms]) =>
  newMeasurement({
    ...{ trial, genotypeId: String(trial), purpose: 'trial', ms, interval: [ms, ms], samples },
    environment: { cpu: 'x', threads: 1, nested: { runtime: 'y' }, reliable: true },
  });

describe('a run with networks in several precisions', () => {
  const folder = sharedFolder();
  let store: Store;
  beforeAll(async () => {
    store = await storedRunInPrecisions(join(folder, "it's a run"), 60);
  });
  afterAll(() => store.close());

  it('has an answer independent of the number of trials', async () => {
    const answer = await collectRunAnswer(store, { id: 'it', workdir: folder }, new RunCache(), Date.now());
    const first = store.trials.all()[0];
    expect(answer).toMatchObject({
      id: 'it',
      run: { name: 'stored', status: 'complete', counts: { complete: 60 } },
      decisions: Object.keys(first.choices),
      precisions: { judged: 60 },
      environment: { cpu: 'x' },
      supernet: null,
    });
    expect(Object.keys(answer.measures).sort()).toEqual(['accuracy', 'latency_ms']);
    expect(answer.source).toContain('name: stored');
    expect(answer.settings).toContain('trials: 100000');
    expect(answer.log.map(({ message }) => message)).toContain('the run is complete');
  });

  it('has an answer for a trial in each precision', async () => {
    const memory = new RunCache();
    const number = 3;
    const chosen = await collectTrialAnswer(store, { workdir: folder, number }, memory);
    const asked = await collectTrialAnswer(store, { workdir: folder, number, precision: 'fp32' }, memory);
    expect([chosen?.trial.precision, asked?.trial.precision]).toEqual(['int8', 'fp32']);
    expect(chosen?.trial.values['latency_ms']).toBeLessThan(asked?.trial.values['latency_ms'] ?? 0);
    expect(chosen?.measurements.map(({ precision }) => precision)).toEqual(['fp32', 'int8']);
    expect(chosen?.text).toMatchObject({ number, genotypeId: chosen?.trial.genotypeId, message: null, pending: [] });
    expect(chosen?.trial.parts?.at(0)).toMatchObject({ name: 'stem' });
    const isMember = (precision: string): boolean =>
      memory.frontier.some((member) => member.number === number && member.precision === precision);
    expect([chosen?.onFrontier, asked?.onFrontier]).toEqual([isMember('int8'), isMember('fp32')]);
    const members = await Promise.all(
      memory.frontier.map(({ number, precision }) =>
        collectTrialAnswer(store, { workdir: folder, number, precision }, memory),
      ),
    );
    expect(members.length).toBeGreaterThan(1);
    expect(members.every((member) => member?.onFrontier)).toBe(true);
    expect(await collectTrialAnswer(store, { workdir: folder, number: 60 }, memory)).toBeUndefined();
  });

  it('has valid command lines for any folder name', async () => {
    const workdir = join(folder, "it's a run");
    const { trial } = (await collectTrialAnswer(store, { workdir, number: 0 }, new RunCache())) ?? {};
    expect(trial).toBeDefined();
    const lines = trial === undefined ? [] : commandsFor(trial, workdir, factsOf(store).experiment);
    expect(lines).toHaveLength(4);
    const texts = [/trial 0 of .*it's a run has no trained weights/, /models\/trial-0.fp32\/model.onnx/];
    for (const [i, { line }] of lines.entries()) {
      const words = execFileSync('sh', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' })
        .split('\0')
        .slice(0, -1);
      expect(words.shift()).toBe('nas');
      if (words[0] === 'latency') {
        expect(words).toEqual(['latency', 'measure', workdir, '0', '--profile']);
        continue;
      }
      // The command lines parse; they fail as nothing is trained or exported here.
      await expectRefusal(nasInside(words), texts[i < 2 ? 0 : 1]);
    }
  });

  it('has parameter importance by float32 values', async () => {
    const found = await collectImportance(store, factsOf(store));
    expect(found.trials).toBe(60);
    expect(found.objectives?.map(({ objective }) => objective)).toEqual(['accuracy', 'latency_ms']);
    for (const { decisions } of found.objectives ?? []) {
      const shares = decisions.map(({ share }) => share);
      expect(shares).toEqual(shares.toSorted((a, b) => b - a));
      expect(decisions.map(({ decision }) => decision).sort()).toEqual(
        Object.keys(store.trials.all()[0].choices).sort(),
      );
    }
    expect(found.objectives?.[1].decisions[0].decision).toBe('width');
    expect(await collectImportance(store, factsOf(store))).toEqual(found);
  });
});

describe('words for a shell', () => {
  it('are quoted where necessary', () => {
    for (const text of ['plain-1.2/x', 'two words', "it's", '$HOME `ls` "x"', '', 'a;b\nc'])
      expect(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' })).toBe(text);
  });
});

describe('commands for a network', () => {
  it('are none on a table, and no export before training', async () => {
    const written = begun();
    const { store } = written;
    ask(written, 0);
    const memory = new RunCache();
    const answer = await collectTrialAnswer(store, { workdir: '/runs/x', number: 0 }, memory);
    expect(answer?.commands.map(({ line }) => line)).toEqual(['nas latency measure /runs/x 0 --profile']);
    const complete = { number: 7, state: 'complete', choices: { a: 1 } } as const;
    const [, , evaluate] = commandsFor(complete, '/runs/my x', experimentOn());
    expect(evaluate.line).toBe("nas evaluate models/trial-7.fp32/model.onnx --data '/runs/my x'");
    const table = loadExperiment(writeTable(temporaryFolder()).file).experiment;
    expect(commandsFor(complete, '/runs/x', table)).toEqual([]);
  });
});

describe('a trial', () => {
  it('has at most 2,000 evenly spaced samples, with the extremes', async () => {
    const written = begun();
    const { store } = written;
    ask(written, 0);
    const samples = Array.from({ length: 9999 }, (_, i) => ((i * 7919) % 9999) / 100);
    store.measurements.add(measurement(0, 1, samples));
    store.measurements.add(measurement(0, 2, [3, 1, 2]));
    const answer = await collectTrialAnswer(store, { workdir: '/runs/x', number: 0 }, new RunCache());
    const [many, few] = answer?.measurements ?? [];
    expect([many.samples.length, many.taken, few.taken]).toEqual([2000, 9999, 3]);
    expect([many.samples.at(0), many.samples.at(-1)]).toEqual([0, 99.98]);
    expect(many.samples).toEqual(many.samples.toSorted((a, b) => a - b));
    const gaps = many.samples.slice(1).map((sample, i) => sample - many.samples[i]);
    expect(Math.max(...gaps)).toBeLessThan(0.0601);
    expect(few.samples).toEqual([1, 2, 3]);
    expect(few.environment).toEqual({ cpu: 'x', threads: '1', 'nested.runtime': 'y', reliable: 'true' });
  });

  it('has its curves, texts and log', async () => {
    const written = begun();
    const { store } = written;
    ask(written, 0, 4);
    ask(written, 1);
    store.trials.start(0);
    store.trials.start(0);
    for (const stage of ['search', 'final'] as const) store.curves.add({ stage, trial: 0 }, epoch(0));
    store.events.add({ kind: 'retried', trial: 0, detail: { stage: 'search', attempt: 2, message: 'killed' } });
    store.events.add({ kind: 'note', trial: 1, detail: { message: 'of another' } });
    store.trials.finish(0, { state: 'failed', message: 'it diverged', values: {} });
    const point = { epoch: 0, trainLoss: 1, trainAccuracy: 0.5, validationLoss: 1, validationAccuracy: 0.5 };
    expect(collectCurves(store, [0, 1])).toEqual([
      { number: 0, search: [point], final: [point] },
      { number: 1, search: [], final: [] },
    ]);
    expect(store.trials.words(0, 1)).toEqual([
      { number: 0, genotypeId: '0', reason: 'because of 0', message: 'it diverged', pending: [] },
    ]);
    const answer = await collectTrialAnswer(store, { workdir: '/runs/x', number: 0 }, new RunCache());
    expect(answer).toMatchObject({ attempts: 2, rejected: 4, onFrontier: false });
    expect(answer?.trial.curves.final).toEqual([point]);
    expect(answer?.log.map(({ message }) => message)).toEqual(['started again (attempt 2): killed']);
  });
});

describe('predictions', () => {
  it('are paired with measurements, standard deviation and coverage', async () => {
    const { store, wait, now } = begun();
    const prediction = (ms: number, coverage: number) => ({ fp32: { ms, std: 0.25, coverage } });
    for (const [number, coverage] of [1, 0.5, 1, 0.75].entries()) {
      const genotypeId = String(number);
      store.trials.ask(newTrial(number, { genotypeId, predictions: prediction(1 + number, coverage) }));
      if (number === 3) break;
      expect((await collectPredictions(store)).report).toBeNull();
      wait(1000);
      store.measurements.add(measurement(number, 1.1 + number));
    }
    store.measurements.add({ ...measurement(0, 1.2), purpose: 'frontier' });
    const { report, pairs, extrapolated } = await collectPredictions(store);
    expect(report).toMatchObject({ spearman: 1 });
    expect(pairs).toHaveLength(3);
    // Beside the frontier, the trial got another latency.
    expect(pairs[0].measured).toBe(1.2);
    expect(pairs[1]).toEqual({
      trial: 1,
      precision: 'fp32',
      predicted: 2,
      measured: 2.1,
      at: now() - 1000,
      std: 0.25,
      coverage: 0.5,
    });
    expect(extrapolated).toBe(2);
  });
});

describe('parameter importance', () => {
  it('needs 20 trials', async () => {
    const written = begun();
    for (let number = 0; number < 19; number++) {
      ask(written, number);
      written.store.trials.finish(number, { state: 'complete', values: measured(0.5, 1) });
    }
    expect(await collectImportance(written.store, factsOf(written.store))).toMatchObject({
      trials: 19,
      objectives: null,
    });
  });
});
