import fc from 'fast-check';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HostedArtifacts } from '../../../../experiments/queue/artifacts/hosted.js';
import { Deaths } from '../../../../experiments/queue/coordinator/deaths.js';
import { draftOf, pathHere } from '../../../../experiments/queue/coordinator/draft.js';
import { Journal } from '../../../../experiments/queue/coordinator/journal.js';
import { outcomeOfAnswer, outcomeOfFailure } from '../../../../experiments/queue/coordinator/outcome.js';
import { ownFiles, placeFiles } from '../../../../experiments/queue/coordinator/placing.js';
import { Seats } from '../../../../experiments/queue/coordinator/seats.js';
import {
  commandFor,
  describeMisfits,
  isServed,
  largestGroup,
  slotsByGroup,
} from '../../../../experiments/queue/coordinator/workers-for.js';
import type { Lane } from '../../../../experiments/queue/queues.js';
import type { WorkerRecord } from '../../../../experiments/queue/registry.js';
import type { Identity } from '../../../../experiments/queue/transport/messages.js';
import { withParallelFor } from '../../../../experiments/runner/plan.js';
import { temporaryFolder } from '../../../support/temporary.js';

const slotOf = (id: string, slot = 0): Identity => ({ id, host: id, slot, group: 'g' });

describe('Deaths', () => {
  it('count processes that died always, and workers that vanished until the job gets on', () => {
    const deaths = new Deaths(3);
    expect(deaths.add('vanished')).toBe(true);
    expect(deaths.add('vanished')).toBe(true);
    deaths.progressed();
    expect(deaths.attempt).toBe(1);
    expect(deaths.add('died')).toBe(true);
    deaths.progressed();
    expect(deaths.attempt).toBe(2);
    expect(deaths.add('vanished')).toBe(true);
    expect(deaths.add('died')).toBe(false);
  });
});

describe('Seats', () => {
  it('leave a slot its number while nobody else needs it', () => {
    const seats = new Seats();
    expect(seats.take(slotOf('a'))).toBe(0);
    expect(seats.take(slotOf('b'))).toBe(1);
    seats.leave(0);
    seats.leave(1);
    expect(seats.take(slotOf('b'))).toBe(1);
    expect(seats.take(slotOf('c'))).toBe(0);
    expect(seats.take(slotOf('a'))).toBe(2);
  });

  it('never give two slots at work one number, and no number above those at work', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(9), fc.boolean()), { maxLength: 60 }), (steps) => {
        const seats = new Seats();
        const taken = new Map<number, number>();
        for (const [who, comes] of steps) {
          const seat = taken.get(who);
          if (comes && seat === undefined) {
            const given = seats.take(slotOf(String(who)));
            expect([...taken.values()]).not.toContain(given);
            taken.set(who, given);
          } else if (!comes && seat !== undefined) {
            seats.leave(seat);
            taken.delete(who);
          }
          expect(Math.max(-1, ...taken.values())).toBeLessThan(10);
        }
      }),
    );
  });
});

describe('what came of an attempt', () => {
  const failure = (error: object, died = false) => JSON.stringify({ error, died, by: slotOf('w') });

  it('is told from what its worker wrote', () => {
    expect(outcomeOfAnswer({ result: null, folders: {} })).toMatchObject({ kind: 'done', result: null });
    expect(outcomeOfAnswer({ result: { state: 'interrupted', curve: [] }, folders: {} }).kind).toBe('interrupted');
    expect(outcomeOfAnswer({ result: { interrupted: true }, folders: {} }).kind).toBe('interrupted');
    expect(outcomeOfFailure(failure({ code: 'interrupted', message: 'stopped' })).kind).toBe('interrupted');
    expect(outcomeOfFailure(failure({ code: 'invalid-input', message: 'damaged' }))).toMatchObject({
      kind: 'failed',
      error: { code: 'invalid-input', message: 'damaged' },
    });
    expect(outcomeOfFailure(failure({ code: 'failure', message: 'killed', hint: 'Less.' }, true))).toMatchObject({
      kind: 'died',
      reason: 'killed (Less.)',
    });
  });

  it('is a death where it cannot be read: nothing of it is believed', () => {
    expect(outcomeOfAnswer(undefined).kind).toBe('died');
    expect(outcomeOfAnswer({ result: null, folders: { '@0': [{ path: '../x', sha256: 'f', bytes: 1 }] } }).kind).toBe(
      'died',
    );
    expect(outcomeOfFailure('job stalled more than allowable limit')).toMatchObject({ kind: 'died' });
  });
});

describe('a draft', () => {
  const job = {
    kind: 'evaluate',
    path: '/home/me/evaluate.mjs',
    names: ['accuracy'],
    subject: {} as never,
  } as const;

  it('has symbols for paths, the same ones for the same job, and knows code of the user', () => {
    const draft = draftOf(job);
    expect(draft.job).toMatchObject({ path: '@0' });
    expect([...draft.inputs]).toEqual([['@0', '/home/me/evaluate.mjs']]);
    expect(draft.modules).toBe(true);
    expect(draftOf(job).job).toEqual(draft.job);
  });

  it('says what a path of an answer stands for, and nothing outside of what the job was given', () => {
    const places = { inputs: new Map(), folders: new Map([['@1', { path: '/elsewhere/here', resumed: [] }]]) };
    expect(pathHere(places, '@1/a/weights.bin')).toBe(join('/elsewhere/here', 'a', 'weights.bin'));
    for (const hostile of ['@2/x', '/etc/passwd', '@1/../x', '@1//x', '@1/.', 'x', '@1/..\\x'])
      expect(() => pathHere(places, hostile)).toThrow(hostile);
  });
});

describe('files of a job', () => {
  it('are put in their places, bit for bit, and removed when the job has them no more; others stay', async () => {
    const folder = temporaryFolder();
    const artifacts = new HostedArtifacts({ uploads: join(folder, 'uploads') });
    const source = join(folder, 'source');
    writeFileSync(source, 'weights');
    const artifact = await artifacts.put(source);
    const target = join(folder, 'target');
    mkdirSync(target);
    writeFileSync(join(target, 'checkpoint.bin'), 'old');
    writeFileSync(join(target, 'mine.txt'), 'mine');
    const before = ownFiles([{ path: 'checkpoint.bin', sha256: '0'.repeat(64), bytes: 3 }]);
    await placeFiles(target, [{ path: 'deep/weights.bin', ...artifact }], artifacts, before);
    expect(readFileSync(join(target, 'deep', 'weights.bin'), 'utf8')).toBe('weights');
    expect(() => readFileSync(join(target, 'checkpoint.bin'))).toThrow('ENOENT');
    expect(readFileSync(join(target, 'mine.txt'), 'utf8')).toBe('mine');
  });

  it('in a shared folder are known by a journal as long as they are as the job left them', async () => {
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

describe('workers for a lane', () => {
  const lane: Lane = { build: '1-a', group: null, tag: null, modules: false };
  const worker = (part: Partial<WorkerRecord>): WorkerRecord =>
    ({
      host: 'one',
      build: '1-a',
      group: 'g1',
      tags: [],
      modules: false,
      slots: 2,
      unable: null,
      ...part,
    }) as WorkerRecord;

  it('are counted by group; the largest is taken, of equal ones the first by name', () => {
    const workers = [worker({ group: 'b' }), worker({ group: 'a' }), worker({ group: 'c', build: '2', slots: 9 })];
    expect([...slotsByGroup(lane, workers)]).toEqual([
      ['b', 2],
      ['a', 2],
    ]);
    expect(largestGroup(slotsByGroup(lane, workers))).toBe('a');
    expect(largestGroup(slotsByGroup(lane, [...workers, worker({ group: 'b' })]))).toBe('b');
    expect(largestGroup(new Map())).toBeNull();
  });

  it('that do not fit say why, those of one reason together', () => {
    const wanted = { ...lane, tag: 'pi5', modules: true, group: 'g1' };
    const workers = [
      worker({}),
      worker({ host: 'two' }),
      worker({ host: 'three', tags: ['pi5'], modules: true, unable: 'its disk is full' }),
    ];
    expect(isServed(wanted, workers)).toBe(false);
    const text = describeMisfits(wanted, workers);
    expect(text).toMatch(/^one, two has no tag pi5 and .*--allow-modules/);
    expect(text).toContain('three its disk is full');
    expect(commandFor('redis://q', wanted)).toBe('nas worker --queue redis://q --tag pi5 --allow-modules');
    expect(isServed(wanted, [worker({ tags: ['pi5'], modules: true })])).toBe(true);
  });
});

describe('withParallelFor', () => {
  const experiment = (trials: number) => ({ search: { trials, parallel: 3 } }) as never;
  const parallel = (slots: number | null, trials = 1000): number =>
    (withParallelFor(slots, experiment(trials)) as { search: { parallel: number } }).search.parallel;

  it('asks for as many trials at once as workers have slots, as long as the search can learn from them', () => {
    expect(parallel(null)).toBe(3);
    expect(parallel(0)).toBe(3);
    expect(parallel(16)).toBe(16);
    expect(parallel(500)).toBe(125);
    expect(parallel(500, 20)).toBe(8);
  });
});
