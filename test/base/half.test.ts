import { Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import { fromHalf, toHalf } from '../../base/half.js';
import { elementTypes, GraphBuilder, int } from '../../compiler/graph/index.js';
import { encodeModel } from '../../compiler/onnx/model.js';
import { createSession } from '../../compiler/runtime/session.js';

it('toHalf rounds as ONNX Runtime does', async () => {
  const random = new Random(1, 'half');
  const values = Float32Array.from({ length: 20_000 }, () => random.normal() * 2 ** (random.int(45) - 27));
  values.set([0, -0, 65504, 65519, 65520, 1 + 2 ** -11, ...[14, 24, 25].map((e) => 2 ** -e), 3 * 2 ** -25]);
  values.set([Infinity, -Infinity], 10);
  const builder = new GraphBuilder();
  const x = builder.input('x', [values.length], 'float32');
  builder.output('y', builder.emit('Cast', [x], { to: int(elementTypes.float16.code) }));
  const session = await createSession(encodeModel(builder.finish(), { name: 'half' }));
  const { y } = await session.run({ x: new Tensor('float32', values, [values.length]) });
  expect([...toHalf(values)]).toEqual([...(y.data as Uint16Array)]);
  expect(toHalf(Float32Array.of(NaN))[0] & 0x7fff).toBeGreaterThan(0x7c00);
  await session.release();
});

it('fromHalf reads every float16: rounding it again changes nothing', () => {
  const bits = Uint16Array.from({ length: 1 << 16 }, (_, i) => i);
  const values = fromHalf(bits);
  expect([values[0x3c00], values[0xc000], values[0x7bff], values[1]]).toEqual([1, -2, 65504, 2 ** -24]);
  const numbers = [...bits].filter((i) => !Number.isNaN(values[i]));
  expect(numbers).toHaveLength((1 << 16) - 2 * 1023);
  expect(numbers.filter((i) => toHalf(values.subarray(i, i + 1))[0] !== i)).toEqual([]);
});
