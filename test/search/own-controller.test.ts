import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  loadController,
  ownController,
  searchSchema,
  SpaceExhausted,
  type ControllerModule,
  type OwnController,
} from '../../search/index.js';
import { controllerChecks } from '../../search/testing.js';
import descending from './fixtures/descending.mjs';
import { contextOf, input, search } from './support.js';

const path = join(import.meta.dirname, 'fixtures', 'descending.mjs');
const make = descending as (given: Parameters<ControllerModule>[0]) => OwnController;
const config = searchSchema.parse({ controller: { type: 'module', path } });

describe('a user’s controller', () => {
  for (const { name, run } of controllerChecks((given) => ownController('descending', given, make(given))))
    it(name, run);

  it('is loaded from its module', async () => {
    const controller = await loadController(config, input());
    const { proposals } = search(controller, 3, { parallel: 2 });
    expect(proposals.map(({ genotype }) => genotype)).toEqual([
      [4, 4, 4, 4, 4],
      [3, 4, 4, 4, 4],
      [2, 4, 4, 4, 4],
    ]);
    expect(proposals[0]).toMatchObject({ source: { kind: 'controller' }, reason: 'number 3124', rejected: 0 });
  });

  it.each([
    ['what was asked before', { genotype: [0, 0, 0, 0, 0] }, /ask\(\) proposed \[0,0,0,0,0\], which was asked before/],
    [
      'another number of decisions',
      { genotype: [1] },
      /ask\(\) proposed \[1\], which is no genotype of the space table/,
    ],
    ['a choice that is not there', { genotype: [9, 0, 0, 0, 0] }, /which is no genotype/],
    ['something else', { network: 1 }, /ask\(\) has to give \{genotype: .*, not \{ network: 1 \}$/],
    ['what is no index', { genotype: [NaN] }, /, not \{ genotype: \[ NaN \] \}$/],
  ])('is rejected when it proposes %s', (_, answer, message) => {
    const controller = ownController('mine', input(), { ask: () => answer as never });
    const pending = [[0, 0, 0, 0, 0]];
    expect(() => controller.ask(contextOf([], pending))).toThrow(message);
  });

  it('that throws is named', () => {
    const failing = (error: Error) => () => {
      throw error;
    };
    const asking = (error: Error) => () => ownController('mine', input(), { ask: failing(error) }).ask(contextOf([]));
    expect(asking(new TypeError('boom'))).toThrow('search.controller: mine: ask() threw: boom');
    expect(asking(new SpaceExhausted('all asked'))).toThrow(SpaceExhausted);
  });

  it('that is none is refused', async () => {
    const other = join(import.meta.dirname, 'support.ts');
    const wrong = searchSchema.parse({ controller: { type: 'module', path: other } });
    await expect(loadController(wrong, input())).rejects.toThrow(
      /search\.controller\.path: .*must be the default export/,
    );
  });
});

describe('the published checks', () => {
  it('fail where a controller remembers what it proposed, or proposes it again', async () => {
    const remembering = (): OwnController => {
      let next = 0;
      return { ask: () => ({ genotype: [next % 4, (next >> 2) % 4, next++ >> 4] }) };
    };
    const failed: string[] = [];
    for (const { name, run } of controllerChecks((given) => ownController('bad', given, remembering())))
      await Promise.resolve()
        .then(run)
        .catch(() => failed.push(name));
    expect(failed).toEqual([
      'asks the same when it is made anew and fed the stored history, 1 at once',
      'asks the same when it is made anew and fed the stored history, 4 at once',
      'depends on its context alone, whatever it was asked before',
      'goes through a small space once, then says that it is exhausted',
    ]);
  });
});
