import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { kernels } from '../../../compiler/kernels/index.js';
import { groups } from '../cases/all.js';
import { functionOf, type Case } from '../cases/case.js';
import { slopesOf, weightedSum } from '../support/gradients.js';
import { expectSameAs, relativeError, runCompiled, runEagerly, type TensorFunction } from '../support/reference.js';
import { Sampler } from '../support/samples.js';

const inputsOf = (each: Case) => each.inputs(new Sampler(each.name));

interface EagerRun {
  readonly result: ReturnType<typeof runEagerly>;
  /** The kernels of the cpu backend that it took. */
  readonly kernelNames: readonly string[];
}
const eagerRuns = new Map<Case, EagerRun>();

/** A case on the cpu backend, which takes longer than all else: once for all tests. */
async function eagerRunOf(each: Case): Promise<EagerRun> {
  const known = eagerRuns.get(each);
  if (known !== undefined) return known;
  const results: EagerRun['result'][] = [];
  const { kernelNames } = await tf.profile(() => void results.push(runEagerly(functionOf(each), inputsOf(each))));
  const run = { result: results[0], kernelNames };
  eagerRuns.set(each, run);
  return run;
}

for (const [title, { cases, blocked }] of Object.entries(groups)) {
  describe(`${title}, compiled, agree with the cpu backend`, () => {
    for (const each of cases)
      it(each.name, async () => {
        const { result } = await eagerRunOf(each);
        const tolerance = each.tolerance ?? 1e-5;
        await expectSameAs(result, functionOf(each), inputsOf(each), { tolerance, blocked });
      });
  });
}

describe('the table of kernels', () => {
  const names = Object.keys(kernels) as (keyof typeof kernels)[];
  const reasonOf = (name: keyof typeof kernels): string | undefined => {
    const entry = kernels[name];
    return typeof entry === 'function' ? undefined : entry.unsupported;
  };
  const onCpu = tf.getKernelsForBackend('cpu').map(({ kernelName }) => kernelName);

  it('has a rule, or the reason why there is none, for every kernel of the cpu backend', () => {
    expect(onCpu.length).toBeGreaterThan(100);
    expect(onCpu.filter((name) => !(name in kernels))).toEqual([]);
    expect(names.filter((name) => reasonOf(name) === '')).toEqual([]);
  });

  it('has no rule for a kernel of the cpu backend that is not compared above', async () => {
    const compared = new Set<string>();
    for (const { cases } of Object.values(groups))
      for (const each of cases) for (const name of (await eagerRunOf(each)).kernelNames) compared.add(name);
    const supported = names.filter((name) => reasonOf(name) === undefined);
    expect(supported.filter((name) => onCpu.includes(name) && !compared.has(name))).toEqual([]);
    // The cases need no kernel that is left out, so none of them is a failure in disguise.
    expect(onCpu.filter((name) => compared.has(name) && !supported.some((each) => each === name))).toEqual([]);
  });

  it('refuses these kernels, and names the called one and the reason', async () => {
    const left = onCpu.filter((name) =>
      names.some((candidate) => candidate === name && reasonOf(candidate) !== undefined),
    );
    expect(left.sort().join(' ')).toMatchInlineSnapshot(
      `"Acos Acosh Asin Asinh Atan Atan2 Atanh AvgPool3D AvgPool3DGrad BatchToSpaceND Bincount BitwiseAnd BroadcastArgs Complex ComplexAbs Conv3D Conv3DBackpropFilterV2 Conv3DBackpropInputV2 Cosh CropAndResize Cumprod Cumsum DenseBincount DepthToSpace Diag Dilation2D Dilation2DBackpropFilter Dilation2DBackpropInput Draw Einsum FFT FlipLeftRight GatherNd IFFT Imag IsFinite IsInf IsNan LRN LRNGrad LinSpace MaxPool3D MaxPool3DGrad MaxPoolWithArgmax MirrorPad Mod Multinomial NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5 RaggedGather RaggedRange RaggedTensorToTensor Real RotateWithOffset ScatterNd SearchSorted Sinh SpaceToBatchND SparseFillEmptyRows SparseReshape SparseSegmentMean SparseSegmentSum SparseToDense StaticRegexReplace StridedSlice StringNGrams StringSplit StringToHashBucketFast Tan TensorScatterUpdate Transform Unique"`,
    );
    const cumulative: TensorFunction = ({ x }) => tf.cumprod(x);
    const failing = runCompiled(cumulative, { x: new Sampler('cumprod').normal([3]) }, {});
    await expect(failing).rejects.toThrow(/Cumprod/);
    await expect(failing).rejects.toThrow(reasonOf('Cumprod'));
  });
});

describe('the gradient of an average pool with padding', () => {
  // TF.js's cpu gradient divides by the whole window at the border, its forward pass by the cells inside the image.
  it('is the slope of the forward pass', async () => {
    const pooled = (x: tf.Tensor) => tf.avgPool(x as tf.Tensor4D, [3, 2], 2, 'same');
    const x = new Sampler('padded average').normal([1, 5, 4, 2]);
    const { outputs } = await runCompiled(({ x: value }) => tf.grad((v) => weightedSum(pooled(v)))(value), { x }, {});
    // The function is linear: a large step costs no accuracy.
    expect(relativeError(outputs['output'], { ...x, data: slopesOf(pooled, x, 0.5) })).toBeLessThan(1e-5);
  });
});
