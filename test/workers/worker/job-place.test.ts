import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderSchema, type Order } from '../../../workers/transport/messages.js';
import { JobPlace, type PlaceOptions } from '../../../workers/worker/job-place.js';
import type { Job } from '../../../runner/jobs/jobs.js';
import { temporaryFolder } from '../../support/temporary.js';

const file = (path: string) => ({ path, sha256: '0'.repeat(64), bytes: 1 });

/** The part of a network that decides which renderings of the images a job needs. */
const network = { input: [8, 8, 1] };

/** A job with its paths only. */
const train = (data: string, directory: string): Job =>
  ({ kind: 'train', fit: { network, dataset: { directory: data }, teacher: null, directory } }) as unknown as Job;
const exporting = (path: string): Job =>
  ({ kind: 'export', candidate: { network }, path, dataset: { directory: '@0' } }) as unknown as Job;
const teacher = (cache: string): Job =>
  ({ kind: 'teacher', config: { type: 'none' }, options: { dataset: { directory: '@0' }, cache } }) as unknown as Job;

const orderOf = (job: Job, part: Partial<Order> = {}): Order => ({
  run: 'run1',
  id: 'job',
  deadline: 1,
  inputs: { '@0': { kind: 'folder', files: [file('a')] } },
  folders: { '@1': [] },
  job,
  ...part,
});

function setting(modules = false) {
  const root = temporaryFolder();
  const written: string[] = [];
  const home = join(root, 'job');
  const options: PlaceOptions = {
    artifacts: {
      get: ({ sha256 }, target) => {
        written.push(target);
        mkdirSync(dirname(target), { recursive: true });
        writeFileSync(target, sha256);
        return Promise.resolve();
      },
    },
    bundles: { use: () => Promise.resolve({ path: join(root, 'bundles', 'data'), release: () => undefined }) },
    signal: new AbortController().signal,
    home: () => home,
    cache: join(root, 'cache'),
    modules,
  };
  return { root, home, written, options, prepare: (order: Order) => JobPlace.prepare(order, options) };
}

describe('the files of a delivered job', () => {
  it('replaces symbols by local paths, and local paths of the answer by symbols', async () => {
    const { root, home, prepare, written } = setting();
    const place = await prepare(orderOf(train('@0', '@1'), { folders: { '@1': [file('checkpoint.bin')] } }));
    expect(place.job).toMatchObject({
      fit: { dataset: { directory: join(root, 'bundles', 'data') }, directory: join(home, '1') },
    });
    expect(written).toEqual([join(home, '1', 'checkpoint.bin')]);
    expect(place.resumed().map(({ inside }) => inside)).toEqual(['checkpoint.bin']);
    const details = { type: 'classification', confusion: [[1]], calibrationError: 0 } as const;
    const named: string[] = [];
    const weights = join(home, '1', 'weights.bin');
    const answer = place.answer({ state: 'complete', accuracy: 1, curve: [], details, weights }, ({ inside }) =>
      named.push(inside),
    );
    expect(answer).toMatchObject({ weights: '@1/weights.bin' });
    expect(named).toEqual(['weights.bin']);
  });

  it.each([
    ['an absolute path', train('/etc', '@1')],
    ['a relative one', train('data', '@1')],
    ['an unknown symbol', train('@9', '@1')],
    ['a path out of an input', train('@0/../../x', '@1')],
    ['a folder within an input', train('@0', '@0')],
    ['a folder below its own', train('@0', '@1/../2')],
    ['a file above its folder', exporting('@1/..')],
    ['a file that is its folder', exporting('@1')],
    ['a file elsewhere', exporting('/tmp/x.onnx')],
    ['code of its own', { kind: 'evaluate', path: '@0', names: [], subject: {} } as unknown as Job],
    [
      'a device elsewhere',
      { kind: 'integers', device: { type: 'agent', url: 'http://x', token_file: '/etc/passwd' } } as unknown as Job,
    ],
  ])('refuses %s', async (_what, job) => {
    const { prepare, root } = setting();
    await expect(prepare(orderOf(job))).rejects.toMatchObject({ code: 'invalid-input' });
    expect(readdirSync(root).filter((name) => name !== 'job')).toEqual([]);
  });

  it('runs code that comes with a job if the worker allows it', async () => {
    const { prepare, root } = setting(true);
    const { job } = await prepare(orderOf({ kind: 'evaluate', path: '@0', names: [], subject: {} } as unknown as Job));
    expect(job).toMatchObject({ path: join(root, 'bundles', 'data') });
  });

  it('adds the files of teachers to the cache, and overwrites none there', async () => {
    const { prepare, root } = setting();
    const there = join(root, 'cache', 'teachers', 'a', 'weights.bin');
    mkdirSync(dirname(there), { recursive: true });
    writeFileSync(there, 'mine');
    await prepare(
      orderOf(teacher('@1'), {
        folders: { '@1': [file('teachers/a/weights.bin'), file('teachers/a/checkpoint.bin')] },
      }),
    );
    expect(readFileSync(there, 'utf8')).toBe('mine');
    expect(existsSync(join(dirname(there), 'checkpoint.bin'))).toBe(true);
    const poisoned = orderOf(teacher('@1'), { folders: { '@1': [file('queue/bundles/x')] } });
    await expect(prepare(poisoned)).rejects.toThrow('cache');
  });

  it('keeps all files inside the folder, for any names', () => {
    const part = fc.oneof(fc.constantFrom('..', '.', '', 'a', 'C:', '\\', '~', '\0', '/'), fc.string({ maxLength: 4 }));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
        const path = parts.join('/');
        const { success } = orderSchema.safeParse(orderOf(train('@0', '@1'), { folders: { '@1': [file(path)] } }));
        if (success) expect(join('/place', path).startsWith('/place/')).toBe(true);
      }),
    );
  });
});
