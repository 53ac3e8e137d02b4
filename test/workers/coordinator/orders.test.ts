import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HostedArtifacts } from '../../../workers/artifacts/hosted.js';
import { draftOf, Journal, pathHere, WorkFolders } from '../../../workers/coordinator/orders.js';
import { SlotNumbers } from '../../../workers/coordinator/remote-job.js';
import { outcomeOf } from '../../../workers/transport/messages.js';
import { withParallelFor } from '../../../runner/plan.js';
import { temporaryFolder } from '../../support/temporary.js';

const slotOf = (id: string) => ({ id, host: id, slot: 0, group: 'g' });

describe('the outcome of an attempt', () => {
  const ending = { by: slotOf('w'), kind: 'done', folders: {} };

  it('is what the worker answered, or a death when that cannot be read', () => {
    expect(outcomeOf({ finishedOn: 1, returnvalue: { ...ending, result: null } })).toEqual({ ...ending, result: null });
    const outside = { '@0': [{ path: '../x', sha256: 'f'.repeat(64), bytes: 1 }] };
    for (const returnvalue of [undefined, { ...ending, folders: outside }, { ...ending, kind: 'other' }])
      expect(outcomeOf({ finishedOn: 1, returnvalue })?.kind).toBe('broken');
    expect(outcomeOf({ finishedOn: 1, failedReason: 'nonsense' })).toEqual({ kind: 'broken', reason: 'nonsense' });
    expect(outcomeOf({ returnvalue: null })).toBeUndefined();
  });

  it('is a vanished worker as soon as its lock has lapsed', () => {
    expect(outcomeOf({ deferredFailure: 'job stalled more than allowable limit' })).toEqual({ kind: 'vanished' });
  });
});

describe('a draft', () => {
  it('has symbols for paths, equal ones for equal jobs, and marks code of the user', () => {
    const path = '/home/me/evaluate.mjs';
    const own = { epochs: 1, folder: null };
    const job = { kind: 'evaluate', path, names: ['accuracy'], subject: {} as never, ...own } as const;
    const draft = draftOf(job);
    expect(draft.job).toMatchObject({ path: '@0' });
    expect([...draft.inputs]).toEqual([['@0', path]]);
    expect(draft.modules).toBe(true);
    expect(draftOf(job).job).toEqual(draft.job);
  });

  it('maps paths of an answer to this machine, and rejects paths outside of the job', () => {
    const places = { inputs: new Map(), folders: new Map([['@1', { path: '/elsewhere/here', resumed: [] }]]) };
    expect(pathHere(places, '@1/a/weights.bin')).toBe(join('/elsewhere/here', 'a', 'weights.bin'));
    for (const hostile of ['@2/x', '/etc/passwd', '@1/../x', '@1//x', '@1/.', 'x', '@1/..\\x'])
      expect(() => pathHere(places, hostile)).toThrow(hostile);
  });
});

describe('the files of a job', () => {
  it('are written to their places, and removed when the job no longer has them; other files stay', async () => {
    const root = temporaryFolder();
    const artifacts = new HostedArtifacts({ uploads: join(root, 'uploads') });
    writeFileSync(join(root, 'source'), 'weights');
    const artifact = await artifacts.put(join(root, 'source'));
    const path = join(root, 'target');
    mkdirSync(path);
    writeFileSync(join(path, 'checkpoint.bin'), 'old');
    writeFileSync(join(path, 'mine.txt'), 'mine');
    const draft = {
      job: {} as never,
      inputs: new Map(),
      modules: false,
      folders: new Map([['@1', { path, resumed: [] }]]),
    };
    const folders = new WorkFolders(
      { draft, inputs: {}, id: 'job', content: 'job' },
      artifacts,
      new Journal(join(root, 'journal')),
    );
    folders.begin({ '@1': [{ path: 'checkpoint.bin', sha256: '0'.repeat(64), bytes: 3 }] });
    await folders.end({ '@1': [{ path: 'deep/weights.bin', ...artifact }] });
    expect(readFileSync(join(path, 'deep', 'weights.bin'), 'utf8')).toBe('weights');
    expect(() => readFileSync(join(path, 'checkpoint.bin'))).toThrow('ENOENT');
    expect(readFileSync(join(path, 'mine.txt'), 'utf8')).toBe('mine');
  });

  it('are known by a journal while they are unchanged', async () => {
    const folder = temporaryFolder();
    const artifacts = new HostedArtifacts({ uploads: join(folder, 'uploads') });
    writeFileSync(join(folder, 'logits.bin'), 'logits');
    const files = [{ path: 'logits.bin', ...(await artifacts.put(join(folder, 'logits.bin'))) }];
    const journal = new Journal(join(folder, 'journal'));
    expect(await journal.read('job', folder, artifacts)).toEqual([]);
    journal.write('job', files);
    expect(await journal.read('job', folder, artifacts)).toEqual(files);
    expect(await journal.read('other', folder, artifacts)).toEqual([]);
    writeFileSync(join(folder, 'logits.bin'), 'others!');
    expect(await journal.read('job', folder, artifacts)).toEqual([]);
    writeFileSync(join(folder, 'journal', 'job.json'), 'damaged');
    expect(await journal.read('job', folder, artifacts)).toEqual([]);
  });
});

it('a slot keeps its number while no other slot needs it, and two busy slots never share one', () => {
  const numbers = new SlotNumbers();
  expect(['a', 'b'].map((id) => numbers.take(slotOf(id)))).toEqual([0, 1]);
  numbers.free(0);
  numbers.free(1);
  expect(['b', 'c', 'a'].map((id) => numbers.take(slotOf(id)))).toEqual([1, 0, 2]);
});

it('a search runs one trial for each slot, as far as it can learn from them', () => {
  const experiment = (trials: number) => ({ search: { trials, parallel: 3 } }) as never;
  const parallel = (slots: number | null, trials = 1000): number =>
    (withParallelFor(slots, experiment(trials)) as { search: { parallel: number } }).search.parallel;
  expect([parallel(null), parallel(0), parallel(16), parallel(500), parallel(500, 20)]).toEqual([3, 3, 16, 125, 8]);
});
