import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { withRun } from '../../cli/open-run.js';
import { parseDataset, prepareFor } from '../../cli/arguments/dataset.js';
import { RunCache } from '../../reports/page/collect/run-cache.js';
import { collectRunAnswer } from '../../reports/page/collect/run-answer.js';
import { loadExperiment } from '../../experiments/parse/index.js';
import { collectReport } from '../../reports/read-model/report.js';
import { resumeExperiment, runExperiment } from '../../runner/index.js';
import { Study } from '../../runner/study.js';
import { changeGeneration } from '../../runner/stored/workdir.js';
import { labelledImagesOf } from '../../trainers/index.js';
import { nasInside } from '../cli/nas.js';
import { temporaryFolder } from '../support/temporary.js';
import { writeTable } from './table-experiment.js';
import { cachedFolder, reading, smallSpace, writeEvaluated } from './experiment.js';
import { findings } from './findings.js';
import { inside } from './inside.js';

cachedFolder();
const silent = () => undefined;

async function writePhoto(folder: string, path: string, shade: number): Promise<void> {
  const pixels = Uint8Array.from({ length: 16 * 16 * 3 }, (_, i) => (i * shade) % 251);
  await sharp(pixels, { raw: { width: 16, height: 16, channels: 3 } })
    .png()
    .toFile(join(folder, path));
}

/** A run of photographs whose networks a module evaluates, to its end. The accuracies are those of a file. */
async function completeRun() {
  const folder = temporaryFolder();
  const photos = join(folder, 'photos');
  for (const [k, name] of ['cat', 'dog'].entries()) {
    mkdirSync(join(photos, name), { recursive: true });
    for (let i = 0; i < 6; i++) await writePhoto(photos, `${name}/${i}.png`, 3 + 7 * k + i);
  }
  const level = join(folder, 'level.txt');
  writeFileSync(level, '0.5');
  const source = `import { readFileSync } from 'node:fs';
export default ({ genotype }) => ({
  accuracy: Number(readFileSync(${JSON.stringify(level)}, 'utf8')) + genotype.reduce((a, b) => a + b, 0) / 100,
});
`;
  const file = writeEvaluated(folder, source, {
    name: 'photos',
    data: '{ type: image-folder, path: photos, size: 16, validation: 0.3, test: 0.3 }',
    objectives: '[accuracy, macs]',
    search: '{ controller: local, startup: 3, trials: 4, parallel: 1 }',
  });
  const workdir = join(folder, 'run');
  await runExperiment(loadExperiment(file), { workdir, workers: inside }, silent);
  return { folder, photos, file, workdir, level };
}

describe('a run whose photographs changed', () => {
  it('begins its next generation when that is accepted, and mixes nothing', { timeout: 60_000 }, async () => {
    const { photos, workdir, level } = await completeRun();
    const first = findings(workdir);
    const frontier = (await nasInside(['pareto', workdir, '--format', 'csv'])).out;
    await writePhoto(photos, 'dog/new.png', 101);
    // Old accuracies are better than any new one: a search that mixed them would show them.
    writeFileSync(level, '0.1');
    const refused = await nasInside(['resume', workdir, '--trials', '+1']);
    expect(refused.code).toBe(5);
    expect(refused.err).toContain('1 image added (dog/new.png)');
    expect(findings(workdir)).toEqual(first);

    const notes: string[] = [];
    await resumeExperiment(workdir, { trials: '+1', acceptData: true, workers: inside }, (event) => {
      if (event.kind === 'note') notes.push(event.message);
    });
    expect(notes.join('\n')).toMatch(/Generation 2 of the results begins.*dog\/new\.png/);
    const trials = reading(workdir, (store) => store.trials.all());
    expect(trials.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4]);
    for (const { observed } of trials) expect(observed['accuracy']).toBeLessThan(0.4);
    expect(trials[0].reason).toMatch(/of generation 1/);
    // The earlier results are a run of their own.
    const earlier = join(workdir, 'generations', '1');
    expect(findings(earlier)).toEqual(first);
    expect((await nasInside(['pareto', earlier, '--format', 'csv'])).out).toBe(frontier);

    const words = 'generation 2, as the inputs changed (data: 1 image added (dog/new.png)';
    expect((await nasInside(['status', workdir])).out).toContain(words);
    expect((await nasInside(['pareto', workdir])).err).toContain(words);
    expect((await nasInside(['trials', workdir])).err).toContain(words);
    const report = await reportOf(workdir);
    expect(report.provenance.results).toContain('earlier results: generations/1');
    expect(report.trials).toHaveLength(5);
    const answer = await answerOf(workdir);
    expect(answer.provenance.results).toContain(words);
    expect(answer.log.map(({ kind }) => kind)).toContain('inputs-accepted');
    // And it goes on like any run.
    expect((await nasInside(['resume', workdir])).out).not.toContain('changed');
    await resumeExperiment(workdir, { trials: '+1', workers: inside }, silent);
    expect(reading(workdir, (store) => store.trials.all())).toHaveLength(6);
    // A third one has the second beside the first.
    rmSync(join(photos, 'dog', 'new.png'));
    await resumeExperiment(workdir, { acceptData: true, workers: inside }, silent);
    expect(existsSync(join(workdir, 'generations', '2', 'nas.sqlite'))).toBe(true);
    expect((await nasInside(['status', workdir])).out).toContain('generation 3');
    // The old photographs are those of the first generation.
    expect(await resumed(earlier)).toBe('complete');
  });

  it('names its own images, and no others, for evaluations', async () => {
    const { photos, folder, workdir } = await completeRun();
    const table = readFileSync(join(workdir, 'images.csv'), 'utf8');
    const files = await prepareFor(workdir, parseDataset(workdir, undefined), undefined, {});
    const rows = labelledImagesOf(files).rows.map(({ path, label, split, content }) =>
      [path, label, split, content].join(),
    );
    expect(table).toBe(['path,label,split,content', ...rows, ''].join('\n'));
    // By the shares of the run, which the images alone do not say.
    expect(rows.filter((row) => row.includes(',test,'))).toHaveLength(4);
    expect(rows.filter((row) => row.includes(',validation,'))).toHaveLength(2);
    const splits = join(folder, 'splits.csv');
    const ended = await nasInside(['data', workdir, '--splits', splits]);
    expect(ended).toMatchObject({ code: 0, out: expect.stringContaining(`wrote ${splits}`) as string });
    expect(readFileSync(splits, 'utf8')).toBe(table);
    await writePhoto(photos, 'cat/0.png', 99);
    await expect(prepareFor(workdir, parseDataset(workdir, undefined), undefined, {})).rejects.toMatchObject({
      code: 'inputs-changed',
      message: expect.stringContaining('1 image with other content (cat/0.png)') as string,
    });
  });

  it('says that a complete run is complete when nothing changed', async () => {
    const { workdir } = await completeRun();
    await resumeExperiment(workdir, { acceptData: true, workers: inside }, silent);
    expect(existsSync(join(workdir, 'generations'))).toBe(false);
  });

  it('keeps its results when the new photographs cannot be split', async () => {
    const { photos, workdir } = await completeRun();
    const before = findings(workdir);
    for (let i = 1; i < 6; i++) rmSync(join(photos, 'dog', `${i}.png`));
    await expect(resumeExperiment(workdir, { acceptData: true, workers: inside }, silent)).rejects.toThrow('class dog');
    expect(findings(workdir)).toEqual(before);
  });

  it('may lie elsewhere in the file and on another machine', async () => {
    const { folder, file, workdir } = await completeRun();
    renameSync(join(folder, 'photos'), join(folder, 'pictures'));
    renameSync(workdir, join(folder, 'renamed'));
    writeFileSync(file, readFileSync(file, 'utf8').replace('path: photos', 'path: pictures'));
    const { state } = await runExperiment(
      loadExperiment(file),
      { workdir: join(folder, 'renamed'), workers: inside },
      silent,
    );
    expect(state).toBe('complete');
    await resumeExperiment(
      join(folder, 'renamed'),
      { trials: '+1', data: join(folder, 'pictures'), workers: inside },
      silent,
    );
    // From now on, it is known where they are, and once.
    expect(reading(join(folder, 'renamed'), (store) => store.events.of('extended'))).toHaveLength(1);
    await resumeExperiment(join(folder, 'renamed'), { trials: '+1', workers: inside }, silent);
  });
});

const resumed = async (workdir: string) => (await resumeExperiment(workdir, { workers: inside }, silent)).state;

const reportOf = (workdir: string) => withRun(workdir, (store) => collectReport(store));

const answerOf = (workdir: string) =>
  withRun(workdir, (store) => collectRunAnswer(store, { id: 'run', workdir }, new RunCache(), Date.now()));

it('a run on a table whose cells changed has the results of the new cells only', async () => {
  const folder = temporaryFolder();
  const { file } = writeTable(folder, { search: '{ controller: random, trials: 8 }' });
  const workdir = join(folder, 'run');
  await runExperiment(loadExperiment(file), { workdir }, silent);
  writeTable(folder, { change: (row) => ({ ...row, acc: row.acc / 2 }), search: '{ controller: random, trials: 8 }' });
  await expect(resumeExperiment(workdir, { trials: '+2' }, silent)).rejects.toMatchObject({ code: 'inputs-changed' });
  await resumeExperiment(workdir, { trials: '+2', acceptData: true }, silent);
  const values = reading(workdir, (store) => store.trials.all().map(({ observed }) => observed['top-1']));
  expect(values).toHaveLength(10);
  expect(Math.max(...values)).toBeLessThan(0.5);
});

it('a study whose controller changed is refused, and begins anew under the eyes of its other processes', async () => {
  const folder = temporaryFolder();
  const module = join(folder, 'controller.mjs');
  writeFileSync(
    module,
    'export default ({ space }) => ({ ask: ({ number }) => ({ genotype: space.decisions.map((d, i) => (number >> i) % d.choices.length), reason: "counts" }) });\n',
  );
  const file = join(folder, 'study.yaml');
  writeFileSync(
    file,
    `name: study\nspace: ${JSON.stringify(smallSpace)}\nevaluate: { type: tell, input: [16, 16, 3], classes: 2 }\nobjectives: [accuracy, macs]\nsearch: { controller: { type: module, path: controller.mjs }, trials: 6 }\n`,
  );
  const workdir = join(folder, 'run');
  const open = () => Study.open(loadExperiment(file), workdir);
  const study = await open();
  const asked = await study.ask();
  expect(asked?.number).toBe(0);
  await study.tell(0, { accuracy: 0.9 });
  appendFileSync(module, '// other\n');
  await expect(open()).rejects.toMatchObject({
    code: 'inputs-changed',
    hint: expect.stringContaining(`nas resume ${workdir} --accept-data`) as string,
  });
  await resumeExperiment(workdir, { acceptData: true }, silent);
  await expect(study.ask()).rejects.toThrow('began the study anew');
  study.close();
  const again = await open();
  expect(await again.pending()).toEqual([]);
  expect((await again.ask())?.number).toBe(0);
  again.close();
});

it('a change of generations that a kill interrupts goes on where it stopped', () => {
  const files = ['artifacts/a.bin', 'frontier.svg', 'report.html', 'images.csv', 'nas.sqlite-wal', 'nas.sqlite'];
  for (let kill = 0; kill <= files.length; kill++) {
    const workdir = temporaryFolder();
    mkdirSync(join(workdir, 'artifacts'));
    for (const name of files) writeFileSync(join(workdir, name), 'old');
    writeFileSync(join(workdir, 'nas.sqlite.next'), 'new');
    // What a killed process did: the first so many moves.
    mkdirSync(join(workdir, 'generations', '1'), { recursive: true });
    for (const name of files.slice(0, kill)) {
      const [top] = name.split('/');
      renameSync(join(workdir, top), join(workdir, 'generations', '1', top));
    }
    changeGeneration(workdir);
    for (const name of files) expect(readFileSync(join(workdir, 'generations', '1', name), 'utf8')).toBe('old');
    expect(readFileSync(join(workdir, 'nas.sqlite'), 'utf8')).toBe('new');
    expect(existsSync(join(workdir, 'nas.sqlite.next'))).toBe(false);
    expect(existsSync(join(workdir, 'generations', '2'))).toBe(false);
  }
});
