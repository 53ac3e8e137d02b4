import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobStates, type Action, type Event, type State } from '../../../workers/coordinator/job-states.js';

/** The state and the actions after a series of events. */
function play(...events: readonly Event[]): { readonly state: State; readonly actions: readonly Action[] } {
  let state: State = 'preparing';
  const actions: Action[] = [];
  for (const event of events) {
    const transition: readonly [State, ...Action[]] | undefined = jobStates[state][event];
    if (transition === undefined) continue;
    state = transition[0];
    actions.push(...(transition.slice(1) as Action[]));
  }
  return { state, actions };
}

const settling: readonly Action[] = ['resolve', 'reject', 'resolveCancelled', 'rejectCancelled'];

describe('the life of a job', () => {
  it.each<[string, readonly Event[], readonly Action[]]>([
    ['is done', ['prepared', 'started', 'done', 'ready'], ['submit', 'place', 'resolve']],
    [
      'is tried again when its worker dies',
      ['prepared', 'started', 'died', 'ready', 'started', 'done', 'ready'],
      ['submit', 'restart', 'submit', 'place', 'resolve'],
    ],
    ['fails when it died too often', ['prepared', 'started', 'exhausted'], ['submit', 'reject']],
    ['is withdrawn while it waits', ['prepared', 'cancel', 'withdrawn'], ['submit', 'withdraw', 'rejectCancelled']],
    [
      'gives its checkpoint when it is cancelled',
      ['prepared', 'started', 'cancel', 'interrupted', 'ready'],
      ['submit', 'withdraw', 'place', 'resolveCancelled'],
    ],
    [
      'gives its result although it is cancelled too late',
      ['prepared', 'started', 'done', 'cancel', 'ready'],
      ['submit', 'place', 'resolveCancelled'],
    ],
    [
      'is not tried again when it is cancelled',
      ['prepared', 'started', 'cancel', 'died'],
      ['submit', 'withdraw', 'rejectCancelled'],
    ],
    [
      'is not submitted again when it is cancelled between two attempts',
      ['prepared', 'started', 'died', 'cancel', 'ready'],
      ['submit', 'restart', 'resolveCancelled'],
    ],
    ['is cancelled before it is submitted', ['cancel', 'prepared'], ['rejectCancelled']],
    ['is left to another coordinator', ['prepared', 'started', 'disowned'], ['submit', 'forget', 'reject']],
  ])('%s', (_, events, actions) => {
    expect(play(...events).actions).toEqual(actions);
  });

  it('settles exactly once at its end, and never before', () => {
    const events = [...new Set(Object.values(jobStates).flatMap((row) => Object.keys(row) as Event[]))];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { maxLength: 12 }), (series) => {
        const { state, actions } = play(...series);
        const settled = actions.filter((action) => settling.includes(action));
        expect(settled).toHaveLength(state === 'ended' ? 1 : 0);
      }),
    );
  });

  it('can end from each state, and after a cancellation nothing is submitted', () => {
    for (const [state, row] of Object.entries(jobStates))
      if (state !== 'ended') expect(row.disowned?.[0]).toBe('ended');
    for (const state of ['stopping', 'leaving'] as const)
      expect(Object.values(jobStates[state]).flatMap(([, ...actions]) => actions)).not.toContain('submit');
    const next = new Set(Object.values(jobStates.leaving).map(([to]) => to));
    expect([...next]).toEqual(['ended']);
  });
});
