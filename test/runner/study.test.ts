import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStudy, type StudyDefinition } from '../../api/index.js';
import { openRun } from '../../api/run.js';
import { parseExperiment } from '../../experiments/parse/index.js';
import { enqueueIn } from '../../runner/enqueue.js';
import { resumeExperiment, runExperiment } from '../../runner/index.js';
import { Study, type AskedTrial } from '../../runner/study.js';
import { temporaryFolder } from '../support/temporary.js';
import { reading, smallSpace } from './experiment.js';

const definition = {
  space: smallSpace,
  input: [16, 16, 1],
  classes: 3,
  objectives: ['accuracy', 'macs'],
  search: { trials: 8, controller: 'local', startup: 4 },
} as const satisfies StudyDefinition;

async function open(workdir: string, changes: Partial<StudyDefinition> = {}): Promise<Study> {
  const study = await openStudy({ ...definition, ...changes, workdir });
  onTestFinished(() => study.close());
  return study;
}

/** Wide networks are accurate. */
const accuracyOf = ({ choices }: AskedTrial): number =>
  Object.values(choices).reduce<number>((sum, value) => sum + Number(value), 0) / 100;

/** Asks and tells until nothing is left. */
async function finish(study: Study): Promise<AskedTrial[]> {
  const asked: AskedTrial[] = [];
  for (let trial = await study.ask(); trial !== null; trial = await study.ask()) {
    asked.push(trial);
    await study.tell(trial.number, { accuracy: accuracyOf(trial) });
  }
  return asked;
}

const genotypes = (workdir: string): string[] =>
  reading(workdir, ({ trials }) => trials.all().map(({ genotypeId }) => genotypeId));

const nothing = (): void => undefined;

describe('a study', () => {
  it('gives networks with their layers, takes their values, and is complete in the end', async () => {
    const workdir = temporaryFolder();
    const study = await open(workdir);
    const asked = await finish(study);
    expect(asked.map(({ number }) => number)).toEqual(Array.from({ length: 8 }, (_, i) => i));
    expect(asked[0].network).toMatchObject({ kind: 'network', input: [16, 16, 1], classes: 3 });
    const run = openRun(workdir);
    expect(run.status()).toMatchObject({ status: 'complete', evaluation: 'study', counts: { complete: 8 } });
    const [best] = run.frontier();
    expect(best.values['accuracy']).toBe(accuracyOf(asked[best.number]));
    expect(best.values['macs']).toBeGreaterThan(0);
    expect(best.provenance).toMatchObject({ accuracy: 'imported', macs: 'computed' });
    expect(await study.ask()).toBeNull();
  });

  it('asks the same again in another process that knows the same', async () => {
    const [whole, parts] = [temporaryFolder(), temporaryFolder()];
    const few = { search: { ...definition.search, trials: 6 } };
    await finish(await open(whole, few));
    for (let number = 0; number < 6; number++) {
      // Opened anew for every trial.
      const study = await open(parts, few);
      const trial = await study.ask();
      await (await open(parts, few)).tell(number, { accuracy: accuracyOf(trial ?? expect.fail()) });
    }
    expect(genotypes(parts)).toEqual(genotypes(whole));
  });

  it('serves several askers at once, each with other networks', async () => {
    const workdir = temporaryFolder();
    // They also begin it at once.
    const studies = await Promise.all([open(workdir), open(workdir), open(workdir)]);
    const asked = (await Promise.all(studies.map(finish))).flat();
    expect(asked.map(({ number }) => number).sort((a, b) => a - b)).toEqual(Array.from({ length: 8 }, (_, i) => i));
    expect(new Set(genotypes(workdir)).size).toBe(8);
  });

  it('gives the untrained network of a trial as ONNX', async () => {
    const study = await open(temporaryFolder());
    const trial = (await study.ask()) ?? expect.fail();
    const file = await study.untrained(trial);
    expect(file.length).toBeGreaterThan(1000);
    expect(Buffer.from(file).equals(Buffer.from(await study.untrained(trial)))).toBe(true);
  });

  it('refuses values that it cannot take, and stores nothing', async () => {
    const workdir = temporaryFolder();
    const study = await open(workdir);
    await study.ask();
    await study.ask();
    await study.tell(0, { accuracy: 0.4 });
    const before = reading(workdir, ({ events }) => events.latest());
    const refused = [
      [7, { accuracy: 0.5 }, 'trial 7 was not asked: there are 2 trials'],
      [0, { accuracy: 0.5 }, 'trial 0 has its result (complete) already'],
      [1, {}, 'trial 1: accuracy is missing'],
      [1, { accuracy: 0.5, loss: 1 }, 'trial 1: loss is no value of this study; expected accuracy'],
      [1, { accuracy: 0.5, macs: 1 }, 'trial 1: macs is no value of this study'],
      [1, { accuracy: NaN }, 'trial 1: accuracy is null; expected a finite number'],
      [1, { accuracy: '0.5' as unknown as number }, 'trial 1: accuracy is "0.5"; expected a finite number'],
    ] as const;
    for (const [number, values, message] of refused) await expect(study.tell(number, values)).rejects.toThrow(message);
    expect(reading(workdir, ({ events }) => events.latest())).toBe(before);
  });

  it('refuses another space in its workdir, a run of another kind, and a folder without one', async () => {
    const workdir = temporaryFolder();
    await open(workdir);
    await expect(open(workdir, { classes: 4 })).rejects.toThrow('it differs in evaluate.classes');
    await expect(openStudy(temporaryFolder())).rejects.toThrow('there is no study here');
    const loaded = parseExperiment(
      'mine.yaml',
      JSON.stringify({ name: 'x', data: 'fashion-mnist', space: smallSpace }),
    );
    await expect(Study.open(loaded, temporaryFolder())).rejects.toThrow('nas evaluates its networks itself');
  });

  it.each([
    [{ objectives: ['energy'] }, 'got "energy"; expected a direction beside the name: maximize or minimize'],
    [{ search: { parallel: 2 } }, 'parallel'],
    [{ search: { fidelity: 'freeze-thaw' } }, 'no rung below the 1 epochs of evaluate'],
    [{ input: [16, 16] }, 'evaluate.input'],
  ])('refuses %j', async (changes, message) => {
    // Wrong on purpose.
    await expect(open(temporaryFolder(), changes as Partial<StudyDefinition>)).rejects.toThrow(message);
  });

  it('is not run or continued by nas run and nas resume, which may give it more trials', async () => {
    const workdir = temporaryFolder();
    await finish(await open(workdir));
    const { input, classes, ...others } = definition;
    const written = { ...others, name: 'study', evaluate: { type: 'tell', input, classes } };
    const loaded = parseExperiment('mine.yaml', JSON.stringify(written));
    await expect(runExperiment(loaded, { workdir }, nothing)).rejects.toThrow('its networks are evaluated elsewhere');
    await resumeExperiment(workdir, { trials: '+2' }, nothing);
    const more = await openStudy(workdir);
    onTestFinished(() => more.close());
    expect((await finish(more)).map(({ number }) => number)).toEqual([8, 9]);
  });
});

describe('a study with fidelity', () => {
  const epochs = {
    epochs: 9,
    search: { trials: 9, controller: 'random', fidelity: { type: 'freeze-thaw', eta: 3 } },
  } as const;

  it('asks for few epochs first, promotes the best, and stops the others', async () => {
    const workdir = temporaryFolder();
    let study = await open(workdir, epochs);
    const steps: (readonly [number, number])[] = [];
    for (let trial = await study.ask(); trial !== null; trial = await study.ask()) {
      steps.push([trial.number, trial.epochs]);
      await study.tell(trial.number, { accuracy: accuracyOf(trial) });
      // What is known of partly trained networks survives.
      study.close();
      study = await open(workdir, epochs);
    }
    expect(steps[0]).toEqual([0, 1]);
    expect(new Set(steps.map(([, epoch]) => epoch))).toEqual(new Set([1, 3, 9]));
    const states = reading(workdir, ({ trials }) => trials.progress());
    expect(states.complete).toBeGreaterThan(0);
    expect(states.complete + states.pruned).toBe(9);
    expect(openRun(workdir).status().status).toBe('complete');
  });
});

describe('enqueued networks', () => {
  it('are asked next, with the given choices, under their name', async () => {
    const workdir = temporaryFolder();
    const study = await open(workdir);
    await study.ask();
    const { choices, planned } = await enqueueIn(workdir, { 'stage1.filters': 16 }, 'the wide one');
    expect(choices['stage1.filters']).toBe(16);
    expect(planned).toBe(true);
    const trial = (await study.ask()) ?? expect.fail();
    expect(trial.choices).toEqual(choices);
    expect(trial.reason).toBe('enqueued: the wide one');
    expect(openRun(workdir).trials()[1].enqueued).toBe('the wide one');
  });

  it('are refused when they are unknown, asked or enqueued already', async () => {
    const workdir = temporaryFolder();
    const study = await open(workdir);
    const { choices } = (await study.ask()) ?? expect.fail();
    await expect(enqueueIn(workdir, choices)).rejects.toThrow('trial 0 of');
    await expect(enqueueIn(workdir, { depth: 3 })).rejects.toThrow("has no decision 'depth'");
    await expect(enqueueIn(workdir, { 'stage1.kernel': 4 })).rejects.toThrow('got 4; expected one of 3, 5');
    const enqueued = await enqueueIn(workdir, {});
    await expect(enqueueIn(workdir, enqueued.choices)).rejects.toThrow('is enqueued already, as enqueued 1');
    await expect(enqueueIn(join(workdir, 'none'), {})).rejects.toThrow('there is no run here');
  });

  it('wait in a run that has asked for all its trials', async () => {
    const workdir = temporaryFolder();
    await finish(await open(workdir, { search: { trials: 2, controller: 'random' } }));
    expect((await enqueueIn(workdir, {})).planned).toBe(false);
  });
});
