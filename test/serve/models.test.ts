import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readMetadata } from '../../deploy/metadata.js';
import { temporaryFolder } from '../support/temporary.js';
import {
  colourNetworks,
  greyNetwork,
  greyNetworks,
  pixelsOf,
  tinyNetwork,
  writeFrontier,
  writeNetwork,
} from './models.js';
import { outputsOf } from './reference.js';

describe('tinyNetwork', () => {
  it('writes files that ONNX Runtime opens and that distinguish images', async () => {
    const { models } = writeFrontier(temporaryFolder(), [...greyNetworks, ...colourNetworks]);
    for (const model of models) {
      const [one, other] = [
        await outputsOf(model, pixelsOf(model.size, 1)),
        await outputsOf(model, pixelsOf(model.size, 2)),
      ];
      expect(one).toHaveLength(3);
      const apart = one.map((value, i) => Math.abs(value - other[i])).reduce((a, b) => Math.max(a, b));
      expect(apart, model.name).toBeGreaterThan(0.002);
    }
  });

  it('writes the metadata of an export, or none', () => {
    const model = writeNetwork(temporaryFolder(), greyNetworks[0]);
    const { classes, accuracy, input } = readMetadata(readFileSync(model.file));
    expect({ classes, accuracy, input }).toEqual({
      classes: model.classes,
      accuracy: { test: 0.6 },
      input: [28, 28, 1],
    });
    expect(readMetadata(tinyNetwork(greyNetwork({ name: 'foreign', normalisation: null })))).toEqual({});
  });
});
