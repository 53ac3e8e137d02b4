import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  commandFor,
  describeMisfits,
  isServed,
  largestGroup,
  queueName,
  queuesOf,
  slotsByGroup,
  whyNot,
  type Requirements,
} from '../../workers/queues.js';
import type { WorkerRecord } from '../../workers/registry.js';

describe('the queues of a worker', () => {
  const build = fc.constantFrom('0.1.0-aaaa', '0.1.0-bbbb');
  const group = fc.constantFrom('0123456789ab', 'ba9876543210');
  const tag = fc.constantFrom('gpu', 'pi5', 'modules');
  const requirements = fc.record({ build, group: fc.option(group), tag: fc.option(tag), modules: fc.boolean() });
  const worker = fc.record({ build, group, tags: fc.uniqueArray(tag), modules: fc.boolean() });

  it('are the queues whose requirements it meets', () => {
    fc.assert(
      fc.property(requirements, worker, (wanted, able) => {
        const matches =
          wanted.build === able.build &&
          (wanted.group === null || wanted.group === able.group) &&
          (wanted.tag === null || able.tags.includes(wanted.tag)) &&
          (able.modules || !wanted.modules);
        const served = queuesOf(able).some((own) => JSON.stringify(own) === JSON.stringify(wanted));
        expect(served).toBe(matches);
        expect(whyNot(wanted, able).length === 0).toBe(matches);
      }),
    );
  });

  it('have different names, without a colon', () => {
    fc.assert(
      fc.property(worker, (able) => {
        const names = queuesOf(able).map(queueName);
        expect(new Set(names).size).toBe(names.length);
        expect(names.join('')).not.toContain(':');
      }),
    );
  });
});

describe('workers for a job', () => {
  const wanted: Requirements = { build: '1-a', group: null, tag: null, modules: false };
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

  it('are counted by group; the largest group is the first by name among equal ones', () => {
    const workers = [worker({ group: 'b' }), worker({ group: 'a' }), worker({ group: 'c', build: '2', slots: 9 })];
    expect(Object.fromEntries(slotsByGroup(wanted, workers))).toEqual({ b: 2, a: 2 });
    expect(largestGroup(slotsByGroup(wanted, workers))).toBe('a');
    expect(largestGroup(slotsByGroup(wanted, [...workers, worker({ group: 'b' })]))).toBe('b');
    expect(largestGroup(new Map())).toBeNull();
  });

  it('are described by the reasons for a misfit', () => {
    const special = { ...wanted, tag: 'pi5', modules: true, group: 'g1' };
    const workers = [
      worker({}),
      worker({ host: 'two' }),
      worker({ host: 'three', tags: ['pi5'], modules: true, unable: 'its disk is full' }),
    ];
    expect(isServed(special, workers)).toBe(false);
    const text = describeMisfits(special, workers);
    expect(text).toMatch(/^one, two has no tag pi5 and .*--allow-modules/);
    expect(text).toContain('three its disk is full');
    expect(commandFor('redis://q', special)).toBe('nas worker --queue redis://q --tag pi5 --allow-modules');
    expect(isServed(special, [worker({ tags: ['pi5'], modules: true })])).toBe(true);
  });
});
