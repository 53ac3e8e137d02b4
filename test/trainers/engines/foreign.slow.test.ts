import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { exportForeign, foreignNetwork } from '../../../compiler/index.js';
import { weightsFrom } from '../../../spaces/models/index.js';
import { bytes } from './contract.js';
import { images, losses, open, size, spec, train } from '../support/foreign.js';

describe('training networks of other programs', () => {
  test.each(
    Object.keys(losses).flatMap((name) => (['frozen', 'followed'] as const).map((norms) => [name, norms] as const)),
  )('%s, batch norms %s: the losses of PyTorch', async (name, norms) => {
    const engine = await open(name, { frozenNorms: norms === 'frozen' });
    const found = await train(engine, 0, 4);
    await engine.dispose();
    const expected = losses[name][norms];
    found.forEach((loss, i) => expect(Math.abs(loss - expected[i])).toBeLessThan(2e-3 * expected[i]));
  });

  test('a file for inference, whose batch norms are folded, learns', async () => {
    const engine = await open('mobilenet_v2-inference');
    const found = await train(engine, 0, 6);
    expect(found.at(-1)).toBeLessThan(0.9 * found[0]);
    await engine.dispose();
  });

  test('continues from its state in a new engine, bit for bit', async () => {
    const more = { ema: 0.9 };
    const whole = await open('mobilenet_v3', more);
    const expected = await train(whole, 0, 4);
    const first = await open('mobilenet_v3', more);
    const head = await train(first, 0, 2);
    const state = await first.state();
    await first.dispose();
    const second = await open('mobilenet_v3', more);
    await second.load(state);
    expect([...head, ...(await train(second, 2, 4))]).toEqual(expected);
    expect(await bytes(second)).toEqual(await bytes(whole));
    await Promise.all([whole.dispose(), second.dispose()]);
  });

  test.each([true, false])('batch norms that are frozen (%s) keep their statistics', async (frozenNorms) => {
    const engine = await open('resnet', { frozenNorms });
    const before = await bytes(engine);
    await train(engine, 0, 2);
    const after = await bytes(engine);
    const changed = Object.keys(after).filter((name) => after[name] !== before[name]);
    expect(changed).toContain('model/8.weight');
    expect(changed.includes('model/1.running_mean')).toBe(!frozenNorms);
    await engine.dispose();
  });

  test('evaluates as the file that it is exported to', async () => {
    const engine = await open('shufflenet');
    await train(engine, 0, 2);
    const logits = await engine.evaluate(images.subarray(0, 3 * size * size * 3), 3);
    const state = new Map([...(await engine.state())].map(([name, value]) => [name.replace(/^model\//, ''), value]));
    const { network } = spec('shufflenet');
    if (!('apply' in network)) throw new Error('no foreign network');
    const again = foreignNetwork(exportForeign(network, weightsFrom(state)));
    const own = new Map(again.weights.map((weight) => [weight.name, weight]));
    const expected = tf.tidy(() =>
      again
        .apply(weightsFrom(own), tf.tensor(images.slice(0, 3 * size * size * 3), [3, size, size, 3]), {
          training: false,
        })
        .logits.dataSync(),
    );
    logits.forEach((logit, i) => expect(logit).toBeCloseTo(expected[i], 4));
    await engine.dispose();
  });
});
