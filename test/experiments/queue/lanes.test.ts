import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { whyNot } from '../../../experiments/queue/queues.js';
import { lanesOf, queueName } from '../../../experiments/queue/queues.js';

const build = fc.constantFrom('0.1.0-aaaa', '0.1.0-bbbb');
const group = fc.constantFrom('0123456789ab', 'ba9876543210');
const tag = fc.constantFrom('gpu', 'pi5', 'modules');
const lane = fc.record({ build, group: fc.option(group), tag: fc.option(tag), modules: fc.boolean() });
const worker = fc.record({ build, group, tags: fc.uniqueArray(tag), modules: fc.boolean() });

describe('lanes', () => {
  it('are served by the workers whose abilities match, and nothing else keeps a worker from them', () => {
    fc.assert(
      fc.property(lane, worker, (wanted, able) => {
        const matches =
          wanted.build === able.build &&
          (wanted.group === null || wanted.group === able.group) &&
          (wanted.tag === null || able.tags.includes(wanted.tag)) &&
          (able.modules || !wanted.modules);
        const served = lanesOf(able).some((own) => JSON.stringify(own) === JSON.stringify(wanted));
        expect(served).toBe(matches);
        expect(whyNot(wanted, able).length === 0).toBe(matches);
      }),
    );
  });

  it('have names of their own, in which BullMQ finds no colon; a worker serves each once', () => {
    fc.assert(
      fc.property(worker, (able) => {
        const names = lanesOf(able).map(queueName);
        expect(new Set(names).size).toBe(names.length);
        expect(names.join('')).not.toContain(':');
      }),
    );
  });
});
