import { describe, expect, it } from 'vitest';
import { integerArithmetic } from '../../../compiler/index.js';
import { exportedWeightBits } from '../../../runner/exporting/onnx-file.js';
import { deviceSchema } from '../../../latency-models/index.js';
import { newStore } from '../../store/support.js';

/** A device that cannot be reached. */
const gone = deviceSchema.parse({ type: 'agent', url: 'http://127.0.0.1:1' });

describe('the bits of exported weights', () => {
  it.each([7, 8] as const)('are the %i that the run settled, though it chose int8 for no trial', async (bits) => {
    const { store } = newStore();
    store.events.add({ kind: 'weight-bits', detail: { weight_bits: bits, arithmetic: 'exact' } });
    const warnings: string[] = [];
    expect(await exportedWeightBits(store, gone, (message) => warnings.push(message))).toBe(bits);
    expect(warnings).toEqual([]);
  });

  it('are what suits the device where nothing is settled', async () => {
    const expected = (await integerArithmetic()) === 'exact' ? 8 : 7;
    const local = deviceSchema.parse('local');
    expect(await exportedWeightBits(newStore().store, local, () => undefined)).toBe(expected);
  });

  it('are exact everywhere where workers would have to be asked', async () => {
    const warnings: string[] = [];
    const workers = deviceSchema.parse({ type: 'worker', tag: 'pi5' });
    expect(await exportedWeightBits(newStore().store, workers, (message) => warnings.push(message))).toBe(7);
    expect(warnings).toEqual([expect.stringContaining('pi5')]);
  });
});
