import { h } from 'preact';
import { render } from 'preact-render-to-string';
import { expect, it } from 'vitest';
import { partsOf } from '../../../reports/read-model/network-parts.js';
import { Random } from '../../../base/random.js';
import { createSpace } from '../../../spaces/index.js';
import { NetworkDrawing, NetworkParts } from '../../../ui/components/network.js';

const network = await createSpace({ type: 'mobilenet' }, { input: [28, 28, 1], classes: 10 }).then((space) => {
  const random = new Random(1, 'drawing');
  return space.build(space.canonical(space.decisions.map(({ choices }) => random.int(choices.length))));
});
const parts = partsOf(network);

const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found]) => found);

it('draws every part in order, scaled to the largest map and the most MACs', () => {
  const text = render(h(NetworkDrawing, { parts }));
  expect(all(text, /<li class="part kind-[a-z_]+" title="[^"]*"><b>([^<]*)<\/b>/g)).toEqual(
    parts.map(({ name }) => name),
  );
  const heights = all(text, /class="map"[^>]* height="([^"]*)"/g).map(Number);
  expect(Math.max(...heights)).toBe(56);
  expect(heights.every((height) => height > 0 && height <= 56)).toBe(true);
  const bars = all(text, /class="own" width="([^"]*)"/g).map(Number);
  expect(bars.indexOf(96)).toBe(parts.findIndex(({ macs }) => macs === Math.max(...parts.map((part) => part.macs))));
});

it('describes its parts', () => {
  const text = render(h(NetworkDrawing, { parts }));
  expect(text).toContain('aria-label="The network, from input to logits"');
  for (const { kernel, stride } of parts)
    if (kernel !== null) expect(text).toContain(`${kernel} x ${kernel}${stride === 1 ? '<' : `, stride ${stride}<`}`);
  const shares = all(text, />([^<]*)(?= of MACs<)/g);
  expect(shares).toHaveLength(parts.length);
  expect(text).toContain('10 logits');
  expect(text).not.toMatch(/style=/);
});

it('a small share is not 0 %', () => {
  const [first, ...others] = parts;
  const text = render(h(NetworkDrawing, { parts: [{ ...first, macs: 1 }, ...others] }));
  expect(text).toContain('&lt; 1 % of MACs');
});

it('the table names the part in each row', () => {
  const text = render(h(NetworkParts, { parts }));
  expect(all(text, /<th scope="row">([^<]*)<\/th>/g)).toEqual(parts.map(({ name }) => name));
});
