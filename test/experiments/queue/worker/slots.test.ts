import { describe, expect, it } from 'vitest';
import { Slots, type SlotsOptions } from '../../../../experiments/queue/worker/slots.js';
import { Gate } from '../../../../experiments/runner/jobs/supervision.js';

interface Named {
  readonly id: string;
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

function setting(lists: string[][], options: Partial<SlotsOptions<Named>> = {}) {
  const begun: string[] = [];
  const over = new Map<string, Gate>();
  const slots = new Slots<Named>(
    lists.map((list) => ({
      next: () => {
        const id = list.shift();
        return Promise.resolve(id === undefined ? null : { id });
      },
    })),
    {
      size: 2,
      do: ({ id }, slot) => {
        begun.push(`${id}@${slot}`);
        const gate = new Gate();
        over.set(id, gate);
        return gate.opened;
      },
      mayTake: () => true,
      onError: () => undefined,
      everyMs: 60_000,
      ...options,
    },
  );
  return { begun, slots, end: (id: string) => over.get(id)?.open() };
}

describe('slots', () => {
  it('do as many jobs at once as there are, those of earlier sources first, and the next when one is over', async () => {
    const { begun, slots, end } = setting([['a'], ['b', 'c']]);
    await settled();
    expect(begun).toEqual(['a@0', 'b@1']);
    end('a');
    await settled();
    expect(begun).toEqual(['a@0', 'b@1', 'c@0']);
    end('b');
    end('c');
    await slots.stop();
  });

  it('have another job as soon as the one before lets them, and are not stopped before both are over', async () => {
    const frees: (() => void)[] = [];
    const gates: Gate[] = [];
    const { slots } = setting([['a', 'b', 'c']], {
      size: 1,
      do: (_, slot, free) => {
        expect(slot).toBe(0);
        frees.push(free);
        gates.push(new Gate());
        return gates[gates.length - 1].opened;
      },
    });
    await settled();
    expect(gates).toHaveLength(1);
    frees[0]();
    await settled();
    expect(gates).toHaveLength(2);
    // The slot is the second job's: the first one cannot free it again.
    frees[0]();
    gates[0].open();
    await settled();
    expect(gates).toHaveLength(2);
    let isStopped = false;
    const stopped = slots.stop().then(() => (isStopped = true));
    await settled();
    expect(isStopped).toBe(false);
    gates[1].open();
    await stopped;
  });

  it('look when they are woken, and take nothing while they may not', async () => {
    const list: string[] = [];
    let may = true;
    const { begun, slots, end } = setting([list], { mayTake: () => may });
    await settled();
    list.push('a');
    slots.wake();
    await settled();
    expect(begun).toEqual(['a@0']);
    may = false;
    list.push('b');
    slots.wake();
    await settled();
    expect(begun).toHaveLength(1);
    may = true;
    slots.wake();
    await settled();
    expect(begun).toEqual(['a@0', 'b@1']);
    end('a');
    end('b');
    await slots.stop();
  });

  it('stop within seconds although a source never answers', async () => {
    const slots = new Slots<Named>([{ next: () => new Promise<null>(() => undefined) }], {
      size: 1,
      do: () => Promise.resolve(),
      mayTake: () => true,
      onError: () => undefined,
      everyMs: 10,
    });
    await settled();
    const began = performance.now();
    await slots.stop();
    expect(performance.now() - began).toBeLessThan(5000);
  });
});
