import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  costs,
  describeNetwork,
  layersOf,
  publishedNames,
  publishedNetwork,
  styleOf,
  type Network,
} from '../../spaces/index.js';
import { weightSpecs } from '../../spaces/models/index.js';
import { flavours } from '../../spaces/staged/flavours.js';
import { complaint, imagenet, makeSpace } from './make.js';

/** What `published.py` wrote. */
const torchvision = JSON.parse(readFileSync(new URL('./fixtures/published.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, { readonly epsilon: number; readonly shapes: string } | undefined>
>;

/** PyTorch's shape of a weight as ours: [out, in, k, k] as [k, k, in, out]; depthwise and dense kernels accordingly. */
function shapeOf(written: string): readonly number[] {
  const sides = written.split('x').map(Number);
  const [out, inputs, ...kernel] = sides;
  if (sides.length === 1) return sides;
  return [...kernel, ...(inputs === 1 ? [out, 1] : [inputs, out])];
}

/** Squeeze-excite's layers are 1x1 convolutions in torchvision and dense here. */
const size = (shape: readonly number[]): string => shape.filter((side, i) => !(i < 2 && side === 1)).join('x');

/**
 * Trainable parameters, moving statistics too, and millions of multiply-accumulates. keras.applications prints 4,253,864,
 * 3,538,984, 2,554,968, 5,507,432 and 5,330,571 (with 7 of a Normalization layer); torchvision and timm (mobilenetv2_100,
 * mobilenetv3_small_100, mobilenetv3_large_100, efficientnet_b0) count the trainable ones. MobileNetV1's paper has 569 M
 * multiply-accumulates. MobileNetV4's model cards in timm say 3.8 M and 0.2 G at 224 pixels, 9.7 M and 1.1 G at 256, with a batch
 * norm where our layer of 1280 has a bias. The parameters of MobileNet-EdgeTPU-V2 are added up from its source.
 */
const counts = {
  mobilenetv1: [4_231_976, 4_253_864, 569],
  mobilenetv2: [3_504_872, 3_538_984, 301],
  'mobilenetv3-small': [2_542_856, 2_554_968, 57],
  'mobilenetv3-large': [5_483_032, 5_507_432, 217],
  'mobilenetv4-conv-small': [3_772_744, 3_795_272, 186],
  'mobilenetv4-conv-medium': [9_714_232, 9_779_576, 828],
  'mobilenet-edgetpu-v2': [5_986_456, 6_036_744, 1198],
  'efficientnet-b0': [5_288_548, 5_330_564, 386],
} as const;

describe.each(publishedNames)('the published %s', (name) => {
  it.skipIf(!(name in torchvision))('has the weights of torchvision, in their order', () => {
    const specs = weightSpecs(publishedNetwork(name, imagenet)).filter(({ trainable }) => trainable);
    expect(specs.map(({ shape }) => size(shape))).toEqual(
      torchvision[name]?.shapes.split(' ').map((written) => size(shapeOf(written))),
    );
  });

  it('has as many weights as the libraries count', () => {
    const { params, buffers, macs } = costs(publishedNetwork(name, imagenet));
    expect([params, params + buffers, Math.round(macs / 1e6)]).toEqual(counts[name]);
  });

  it.each(flavours)('in the flavour of %s has its style and the same layers', (flavour) => {
    const network = publishedNetwork(name, imagenet, 1, flavour);
    const { padding, epsilon, squeeze, gate } = styleOf(network);
    const usual = { torchvision: torchvision[name]?.epsilon ?? 1e-5, timm: 1e-5, keras: 1e-3 }[flavour];
    expect([padding, epsilon]).toEqual([flavour === 'keras' ? 'same' : 'symmetric', usual]);
    expect([squeeze, gate]).toEqual(name === 'efficientnet-b0' ? ['swish', 'sigmoid'] : ['relu', 'hard_sigmoid']);
    const names = (it: Network): string[] => layersOf(it).map((layer) => `${layer.kind} ${layer.name}`);
    expect(names(network)).toEqual(names(publishedNetwork(name, imagenet)));
  });

  it('is a member of its preset, and of a space with more choices', async () => {
    const common = { flavour: 'timm' as const, width: [0.5, 1, 1.25] };
    const space = await makeSpace(
      name === 'efficientnet-b0'
        ? { type: 'efficientnet', preset: name, ...common }
        : { type: 'mobilenet', preset: name, ...common },
      imagenet,
    );
    const network = publishedNetwork(name, imagenet, 1, 'timm');
    const found = space.find?.(network);
    expect(found && space.build(found)).toEqual(network);
    expect(space.find?.(publishedNetwork(name, { ...imagenet, input: [64, 64, 3] }))).toBeNull();
  });
});

it('refuses a flavour of a preset that is not published', async () => {
  expect(await complaint({ type: 'efficientnet', preset: 'b0', flavour: 'keras' })).toMatch(
    /^NasError: space\.flavour: the preset b0 has no published networks in the flavour of keras/,
  );
});

it('names the style in descriptions', () => {
  const text = describeNetwork(publishedNetwork('efficientnet-b0', imagenet, 1, 'timm'));
  expect(text.split('\n').at(-1)).toBe('style: epsilon 0.00001, padding symmetric, squeeze swish, gate sigmoid');
});

it('reads the keys of a style', async () => {
  const stages = [{ filters: 8, se: 0.5, expand: 3 }];
  const style = { epsilon: 1e-5, momentum: 0.99, padding: 'symmetric', squeeze: 'swish', gate: 'sigmoid' } as const;
  const build = async (config: object): Promise<Network> =>
    (await makeSpace({ type: 'mobilenet', preset: 'tiny', width: 1, stages, ...config })).build([]);
  expect((await build({ style })).style).toEqual(style);
  expect(await build({ style: { padding: 'same', momentum: 0.9 } })).toEqual(await build({}));
  expect((await build({ squeeze_of: 'input' })).blocks).toMatchObject([{ expand: 3, se: 8 / 48 }]);
});
