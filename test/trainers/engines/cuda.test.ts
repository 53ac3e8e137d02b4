import { beforeAll, describe, expect, test } from 'vitest';
import { createSession, StateStore, targetWith } from '../../../compiler/index.js';
import { scopeOf } from '../../../compiler/graph/graph.js';
import { capabilitiesOf } from '../../../compiler/onnx/providers.js';
import { caseOf } from '../../../compiler/onnx/support.js';
import { looping, Program } from '../../../compiler/runtime/programs/program.js';
import { CompiledTraining, createCompiledEngine, readStates } from '../../../trainers/engines/compiled.js';
import { activateBackend, type ProgramSpec } from '../../../trainers/engines/index.js';
import { createNetworkProgram, noiseSeed } from '../../../trainers/engines/network-program.js';
import { lossSchema } from '../../../trainers/schema/loss.js';
import { trainSchema } from '../../../trainers/schema/recipe.js';
import { referenceNetworks } from '../../support/reference-networks.js';
import { noiseBatch, tinyStudent } from '../support/networks.js';
import { relativeDistance } from '../support/one-step.js';
import { writtenFor } from '../support/written-for.js';
import { batch, everything, specOf } from './contract.js';

beforeAll(() => activateBackend());

const kd = lossSchema.parse({ type: 'kd' });
const dropout = tinyStudent({ dropout: 0.4 });

/** CUDA does not run here; these tests check what needs no device. */
describe('a training step written for CUDA', () => {
  /** What is trained, its batch, and how often noise is drawn. */
  type Case = readonly [name: string, spec: () => ProgramSpec, size: number, uploads: number];
  const some = Object.entries(referenceNetworks).filter(([name]) => ['mbv3_fashion', 'effnet_64'].includes(name));
  const references = some.map(([name, { network, batch: size }]): Case => [
    name,
    specOf({ network, loss: kd }),
    size,
    0,
  ]);
  const sgd = trainSchema.parse({ optimizer: { type: 'sgd', weight_decay: 0.01, nesterov: false } }).optimizer;
  const smoothed = lossSchema.parse({ type: 'cross-entropy', label_smoothing: 0.1 });
  const small: readonly Case[] = [
    ['AdamW, average, distillation', specOf(everything), batch, 0],
    [
      'decoupled distillation, dropout',
      specOf({ loss: lossSchema.parse({ type: 'dkd' }), network: dropout }),
      batch,
      1,
    ],
    ['weight decay, label smoothing', specOf({ loss: smoothed, optimizer: sgd }), batch, 0],
  ];

  test.each([...references, ...small])('has a kernel for every operator: %s', (_, spec, size, uploads) => {
    const { program, traced } = writtenFor('cuda', spec(), size);
    program.dispose();
    const { nodes } = traced.graph;
    const { implementationOf: wayOf } = capabilitiesOf('cuda');
    const scope = scopeOf(traced.graph);
    const cases = nodes.map((node) => caseOf(node, (name) => scope.type(name)));
    expect(cases).not.toContain('training');
    const ways = nodes.map(({ op }, i) => wayOf?.(op, cases[i]));
    expect(new Set(ways)).toEqual(new Set(uploads === 0 ? ['kernel'] : ['kernel', 'host']));
    // The host computes only the dropout noise, one upload for each dropout.
    const made = new Set(nodes.flatMap(({ outputs }, i) => (ways[i] === 'host' ? outputs : [])));
    const taken = nodes.flatMap(({ inputs }, i) => (ways[i] === 'kernel' ? inputs : []));
    expect(new Set(taken.filter((name) => made.has(name))).size).toBe(uploads);
  });

  test('computes what the portable step computes, when the processor runs it', async () => {
    const spec = specOf({ network: dropout, loss: kd, ema: 0.9 })();
    const updates = [0, 1].map((i) => ({ batch: noiseBatch(dropout, batch, i), learningRate: 0.05 }));
    const engine = await createCompiledEngine(createNetworkProgram(spec), { target: targetWith(null), batch });
    const expected = await engine.train(updates, 0);
    const expectedState = await engine.state();
    await engine.dispose();

    const { program, traced, packs, inputs, bytes } = writtenFor('cuda', spec, batch);
    const states = new StateStore();
    states.adopt(traced.states, packs);
    const opening = { provider: 'cpu' };
    const session = await createSession(bytes, opening);
    const seed = noiseSeed(spec);
    const loop = new Program({
      traced,
      packs,
      calling: looping,
      session,
      opening,
      states,
      inputs,
      seed,
      bytes,
    });
    const training = new CompiledTraining(program, { target: targetWith(null), batch });
    const results = await loop.runSteps(
      updates.map((update, i) => training.feeds(update, i)),
      0,
    );
    for (const [i, { loss, correct }] of results.entries()) {
      expect(Math.abs(loss.data[0] / expected[i].loss - 1)).toBeLessThan(1e-6);
      expect(correct.data[0]).toBe(expected[i].correct);
    }
    // Up: the states once, the feeds and the seed of the noise for each step, the number of steps; down: states and metrics.
    const size = 4 * [...program.states.values()].reduce((sum, each) => sum + each.size, 0);
    expect(loop.bytesGiven).toBe(size + 2 * 4 * (batch * (10 * 10 + 10 + 10) + 3) + 8);
    expect(loop.bytesTaken).toBe(size + 2 * 4 * 2);
    const state = await readStates(states, program.states);
    expect(relativeDistance(state, expectedState, (name) => name.startsWith('optimizer/'))).toBeLessThan(1e-5);
    expect(relativeDistance(state, expectedState, () => true)).toBeLessThan(1e-6);
    await loop.dispose();
    program.dispose();
  });
});
