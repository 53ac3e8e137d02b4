import { describe, expect, it } from 'vitest';
import { choicesOf, enumerate, layersOf, spaceSize, type Network } from '../../spaces/index.js';
import { describeSpace } from './contract.js';
import { complaint, imagenet, makeSpace } from './make.js';

describeSpace('mobilenet tiny', () => makeSpace({ type: 'mobilenet', preset: 'tiny' }));

const stage = { filters: 16, stride: 2 } as const;

describe('mobilenet', () => {
  it('chooses the preset by the size of the images and needs nothing else', async () => {
    const tiny = await makeSpace({ type: 'mobilenet' });
    const large = await makeSpace({ type: 'mobilenet' }, imagenet);
    expect(tiny.decisions).toEqual((await makeSpace({ type: 'mobilenet', preset: 'tiny' })).decisions);
    expect(large.decisions).toEqual(
      (await makeSpace({ type: 'mobilenet', preset: 'mobilenetv3-small' }, imagenet)).decisions,
    );
  });

  it('names its decisions and lists their choices from small to large', async () => {
    const space = await makeSpace({
      type: 'mobilenet',
      width: [1, 0.5],
      resolution: 28,
      share: 'layer',
      stages: [{ ...stage, depth: [2, 1], kernel: [5, 3], expand: 3, act: ['relu', 'hard_swish'] }],
    });
    expect(space.decisions).toEqual([
      { name: 'width', choices: [0.5, 1] },
      { name: 'stage1.depth', choices: [1, 2] },
      { name: 'stage1.act', choices: ['relu', 'hard_swish'] },
      { name: 'stage1.layer1.kernel', choices: [3, 5] },
      { name: 'stage1.layer2.kernel', choices: [3, 5] },
    ]);
    expect(choicesOf(space.decisions, [1, 0, 1, 1, 0])).toEqual({
      width: 1,
      'stage1.depth': 1,
      'stage1.act': 'hard_swish',
      'stage1.layer1.kernel': 5,
      'stage1.layer2.kernel': 3,
    });
  });

  it('sets the kernels of layers beyond the depth to the first choice', async () => {
    const space = await makeSpace({
      type: 'mobilenet',
      width: 1,
      share: 'layer',
      stages: [{ ...stage, depth: [1, 2], kernel: [3, 5] }],
    });
    expect(space.canonical([0, 1, 1])).toEqual([0, 1, 0]);
    expect(space.canonical([1, 1, 1])).toEqual([1, 1, 1]);
    expect(spaceSize(space)).toBe(2n + 4n);
  });

  it('takes widths that round to the same channels for one', async () => {
    const space = await makeSpace({
      type: 'mobilenet',
      width: [0.5, 0.51, 1],
      stem: { filters: 16 },
      stages: [{ filters: 16 }],
      head: { filters: 32, hidden: 0 },
    });
    expect(spaceSize(space)).toBe(2n);
    expect([...enumerate(space)]).toEqual([[0], [2]]);
  });

  it('keeps widths as they are written at width 1 and rounds the others to multiples of 8', async () => {
    const stages = [{ filters: 12, expand: 3, se: 0.25 }] as const;
    const space = await makeSpace({ type: 'mobilenet', width: [0.75, 1], stem: { filters: 20 }, stages: [...stages] });
    const widths = (network: Network): number[] => [
      network.stem.filters,
      ...layersOf(network).flatMap((layer) =>
        /^block1_(expand|se_reduce|project)$/.test(layer.name) ? [layer.output[2]] : [],
      ),
    ];
    expect(widths(space.build([0]))).toEqual([16, 48, 16, 16]);
    expect(widths(space.build([1]))).toEqual([20, 64, 16, 12]);
  });

  it('scales the image with its aspect ratio', async () => {
    const space = await makeSpace({ type: 'mobilenet', resolution: [32, 64] }, { input: [64, 96, 3], classes: 2 });
    const inputs = [0, 1].map((i) => space.build(space.decisions.map((_, d) => (d === 0 ? i : 0))).input);
    expect(inputs).toEqual([
      [32, 48, 3],
      [64, 96, 3],
    ]);
  });

  it.each([
    [{ stages: [{ ...stage, kernel: [] }] }, 'stages.0.kernel: needs at least one choice'],
    [{ stages: [{ ...stage, kernel: [3, 3] }] }, 'stages.0.kernel: lists the choice 3 twice'],
    [{ stages: [{ ...stage, kernel: 4 }] }, /^stages\.0\.kernel: .*1\|3\|5.*or a list of such choices/],
    [{ stages: [{ ...stage, kernel: [3, 4] }] }, /^stages\.0\.kernel: \[1\]: .*1\|3\|5/],
    [{ stages: [{ ...stage, act: 'gelu' }] }, /^stages\.0\.act: .*"relu"\|"relu6"/],
    [{ stages: [] }, /^stages: /],
    [{ stages: [{ stride: 1 }] }, /^stages\.0\.filters: /],
    [
      { stages: [{ ...stage, depth: 0 }] },
      'NasError: space.stages[0].depth: 0 is the only choice, so the stage is never there',
    ],
    [{ width: 0 }, /^width: /],
    [{ preset: 'huge' }, /^preset: .*"tiny"/],
    [{ kernel: 3 }, /Unrecognized key: "kernel"/],
    [
      { resolution: [8, 28], stages: [stage, stage, { ...stage, stride: [1, 2] }, stage] },
      'NasError: space.stages[2].stride: a stride of 2 has nothing left to halve: with images of 8 x 8 pixels the map is already one pixel high or wide',
    ],
  ])('refuses %j', async (config, message) => {
    expect(await complaint({ type: 'mobilenet', ...config })).toMatch(message);
  });
});
