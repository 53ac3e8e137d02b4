import { describe, expect, it } from 'vitest';
import { NasError } from '../../../base/errors.js';
import { parseExperiment, workersGiven, type LoadOptions } from '../../../experiments/parse/index.js';
import { workersSchema } from '../../../experiments/schema/workers.js';

const trains = 'name: x\ndata: fashion-mnist\nspace: mobilenet\n';
const table =
  'name: x\nspace: {type: table, file: t.csv, decisions: [a], columns: {accuracy: b}}\nobjectives: [accuracy]\n';
const queue = `${trains}workers: {type: queue, url: redis://b, tag: gpu, password_file: /etc/queue}\n`;

const load = (text: string, options: LoadOptions) => parseExperiment('x.yaml', text, { checkFiles: false, ...options });

function refusal(task: () => unknown): string {
  try {
    task();
  } catch (error) {
    if (error instanceof NasError && error.code === 'invalid-input') return `${error.message} ${error.hint ?? ''}`;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('--workers', () => {
  it.each([
    ['nothing', trains],
    ['the processes of this machine', `${trains}workers: pool\n`],
  ])('names a queue where the file says %s', (_, text) => {
    const loaded = load(text, { workers: 'redis://a:1' });
    expect(loaded.experiment).toMatchObject({ workers: { type: 'queue', url: 'redis://a:1', mixed: false } });
    // It is stored as if the file had said it.
    expect(loaded.written).toMatchObject({ workers: { type: 'queue', url: 'redis://a:1' } });
    expect(loaded.where(['workers', 'url'])).toBe('--workers redis://a:1');
  });

  it('keeps other settings of the queue', () => {
    expect(load(queue, { workers: 'rediss://a:1' }).experiment).toMatchObject({
      workers: { url: 'rediss://a:1', tag: 'gpu', password_file: '/etc/queue' },
    });
    const before = workersSchema.parse({ type: 'queue', url: 'redis://b', tag: 'gpu', mixed: true });
    expect(workersGiven('redis://c', before)).toEqual({ ...before, url: 'redis://c' });
  });

  it('switches back to this machine', () => {
    expect(load(queue, { workers: 'pool' }).experiment).toMatchObject({ workers: { type: 'pool' } });
    expect(workersGiven('pool', workersSchema.parse({ type: 'queue', url: 'redis://b' }))).toEqual({ type: 'pool' });
  });

  it('lists allowed values', () => {
    for (const argument of ['redis', 'redis:/a', 'http://a', ''])
      expect(refusal(() => load(trains, { workers: argument }))).toMatch(
        /^--workers .*: expected pool, or the address of a queue.*redis:\/\/10\.0\.0\.5:6379/,
      );
    expect(refusal(() => load(trains, { workers: 'redis://' }))).toContain('is not an address like');
    expect(refusal(() => workersGiven('redis://', { type: 'pool' }))).toContain('is not an address like');
    expect(refusal(() => load(table, { workers: 'redis://a' }))).toMatch(/^--workers redis:\/\/a: workers: remove it/);
  });

  it.each([
    ['the file', () => load(`${trains}workers: {type: queue, url: "redis://u:hunter2@a"}\n`, {})],
    ['a word in the file', () => load(`${trains}workers: redis://u:hunter2@a\n`, {})],
    ['--set', () => load(trains, { set: ['workers.type=queue', 'workers.url=redis://:hunter2@a'] })],
    ['a --set that is no YAML', () => load(trains, { set: ['workers.url=redis://:hunter2@a: ['] })],
    ['--workers', () => load(trains, { workers: 'redis://u:hunter2@a' })],
    ['--workers of a run that goes on', () => workersGiven('redis://u:hunter2@a', { type: 'pool' })],
    ['a --workers that is none', () => load(trains, { workers: 'redis:/u:hunter2@a://b@c' })],
  ])('does not print the password of %s', (_, task) => {
    expect(refusal(task)).not.toContain('hunter2');
  });

  it.each([
    ['the file', () => load(`${trains}workers: {type: queue, url: "redis://u:hunter2@a"}\n`, {})],
    ['--workers', () => load(trains, { workers: 'redis://u:hunter2@a' })],
    ['--workers of a run that goes on', () => workersGiven('redis://u:hunter2@a', { type: 'pool' })],
  ])('says where the password in %s belongs', (_, task) => {
    expect(refusal(task)).toMatch(/workers\.password_file.*NAS_QUEUE_PASSWORD/);
  });
});
