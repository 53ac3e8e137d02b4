import { describe, expect, test } from 'vitest';
import { chooseEngine, engineAvailability, engineSchema, type EngineConfig } from '../../../trainers/index.js';

const config = (values: object): EngineConfig => engineSchema.parse(values);

describe('choosing an engine', () => {
  test('auto is compiled, and eager when a backend is named', async () => {
    expect(await chooseEngine(config({}))).toEqual({ type: 'compiled', provider: 'cpu' });
    expect(await chooseEngine(config({ backend: 'cpu' }))).toEqual({ type: 'eager', backend: 'cpu' });
  });

  test('an unknown provider is an error that lists what there is', async () => {
    await expect(chooseEngine(config({ provider: 'abacus' }))).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(/abacus; this ONNX Runtime has .*cpu/) as string,
    });
  });

  test('says what works here, with versions, and why the rest does not', async () => {
    const engines = await engineAvailability();
    expect(engines).toContainEqual(expect.objectContaining({ engine: 'eager', backends: ['cpu'], available: true }));
    const compiled = engines.find(({ engine }) => engine === 'compiled');
    expect(compiled?.version).toMatch(/^onnxruntime-node \d+\./);
    for (const { available, reason } of engines) expect(reason === null).toBe(available);
  });
});
