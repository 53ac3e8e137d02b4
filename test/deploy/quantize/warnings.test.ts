import { describe, expect, it } from 'vitest';
import { channelWarnings } from '../../../deploy/quantize/quantize.js';
import { graphFrom, node, ones } from '../../compiler/support/onnx-models.js';

/** A chain of convolutions with these numbers of channels. */
function chain(...channels: readonly number[]) {
  const layers = channels.slice(1).map((output, i) => ({ from: channels[i], output, name: `c${i + 1}` }));
  return graphFrom({
    input: ['N', channels[0], 4, 4],
    constants: Object.fromEntries(layers.map(({ from, output, name }) => [`${name}w`, ones(output, from, 1, 1)])),
    nodes: layers.map(({ name }, i) => node('Conv', `${i === 0 ? 'x' : `c${i}`} ${name}w`, name)),
    output: `c${layers.length}`,
  });
}

describe('warnings about channels', () => {
  it('are absent for multiples of 16 and for images', () => {
    expect(channelWarnings(chain(3, 16, 32, 48))).toEqual([]);
  });

  it('count the convolutions, and name the largest', () => {
    expect(channelWarnings(chain(16, 24, 32))).toEqual([
      '2 of 2 convolutions have channels that are not multiples of 16, which is slower in int8: ' +
        'the c2 (24 to 32 channels, 1x1), the c1 (16 to 24 channels, 1x1)',
    ]);
    const [many] = channelWarnings(chain(16, 24, 40, 72, 16, 17));
    expect(many).toContain('5 of 5');
    expect(many).toContain('the c3 (40 to 72 channels, 1x1)');
    expect(many).toMatch(/, and 2 more$/);
  });

  it('count the channels of all groups together', () => {
    const depthwise = (channels: number) =>
      graphFrom({
        input: ['N', channels, 4, 4],
        constants: { w: ones(channels, 1, 3, 3) },
        nodes: [node('Conv', 'x w', 'y', { group: channels })],
      });
    expect(channelWarnings(depthwise(32))).toEqual([]);
    expect(channelWarnings(depthwise(40))[0]).toContain('the y (40 to 40 channels, 3x3)');
  });

  it('are absent for gates, which have one pixel', () => {
    const graph = graphFrom({
      input: ['N', 16, 4, 4],
      constants: { w: ones(6, 16, 1, 1), v: ones(16, 6, 1, 1) },
      nodes: [
        node('GlobalAveragePool', 'x', 'p'),
        node('Conv', 'p w', 'a'),
        node('Relu', 'a', 'r'),
        node('Conv', 'r v', 'y'),
      ],
    });
    expect(channelWarnings(graph)).toEqual([]);
  });
});
