import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { activateBackend } from '../../../trainers/engines/index.js';
import { foreignDetector, mapsForHead } from '../../../trainers/index.js';

const scale = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

/** A detector on a fixture, whose weights have other names first. */
function detectorOn(name: string, renamed: (weight: string) => string = (weight) => weight) {
  const bytes = readFileSync(new URL(`../../compiler/foreign/fixtures/${name}.onnx`, import.meta.url));
  const maps = mapsForHead(bytes, [64, 96], name);
  const atNorms = new Map([...maps.atNorms].map(([weight, kind]) => [renamed(weight), kind]));
  const weights = maps.weights.map((weight) => ({ ...weight, name: renamed(weight.name) }));
  const head = { kind: 'detection', stride: 4, deepest: 8, width: 8, depth: 1, act: 'relu' } as const;
  return foreignDetector(
    { ...maps, atNorms, weights },
    { head, classes: 2, scales: { file: scale, data: scale }, seed: 1 },
  );
}

beforeAll(activateBackend);

describe('the weights of a detector on a file', () => {
  const ofFile = ({ weights }: ReturnType<typeof detectorOn>) => weights.filter(({ name }) => name.startsWith('file/'));
  const isMatrix = ({ name }: { readonly name: string }): boolean => name.endsWith('/kernel');

  it('are kernels for Muon where a batch norm follows, and alone there', () => {
    const found = ofFile(detectorOn('shufflenet'));
    expect(found.filter(isMatrix).length).toBeGreaterThan(10);
    expect(found.filter(isMatrix).every(({ shape }) => shape.length === 4)).toBe(true);
    // Keras calls all of them kernels, also those of files whose norms are folded.
    const folded = detectorOn('mobilenet_v2-inference', (weight) => `${weight}/kernel`);
    expect(ofFile(folded).length).toBeGreaterThan(10);
    expect(ofFile(folded).filter(isMatrix)).toEqual([]);
    expect(folded.sensitive).toEqual(expect.arrayContaining(ofFile(folded).map(({ name }) => name)));
  });

  it('have names of their own beside the head, whatever the file calls them', () => {
    const { weights } = detectorOn('shufflenet', (weight) =>
      weight === 'conv1.0.weight' ? 'head_tower1/kernel' : weight,
    );
    expect(new Set(weights.map(({ name }) => name)).size).toBe(weights.length);
  });
});
