import { expect, it } from 'vitest';
import { profileModel, type OnnxOp } from '../../compiler/index.js';
import { encodeModel, nodeName } from '../../compiler/onnx/model.js';
import { hostNodes } from '../../compiler/onnx/providers.js';
import { inTable } from '../../compiler/onnx/support.js';
import { webgpu } from '../../compiler/onnx/webgpu.js';
import { narrowSplits } from '../../compiler/passes/provider-limits.js';
import { writeOut } from '../../compiler/passes/write-out.js';
import { describeOnWebGpu } from '../support/webgpu.js';
import { feedsOf, operatorSamples, resultsIn, runSamples, SampleGraph } from './support/operator-samples.js';
import { placementIn } from './support/placement.js';
import { differences, type Outputs } from './support/reference.js';

const implementationOf = inTable(webgpu);

describeOnWebGpu('the table of the WebGPU provider', () => {
  it('lists the operators that run there, alone or rewritten, with the results of the CPU', async () => {
    const g = new SampleGraph();
    for (const [op, { dtypes }] of Object.entries(operatorSamples))
      for (const dtype of dtypes)
        // The CPU has no selection of booleans to compare with.
        if (typeof implementationOf(op as OnnxOp, dtype) === 'string' && !(op === 'Where' && dtype === 'bool'))
          g.record(op as OnnxOp, dtype);
    const graph = g.builder.finish();
    const written = narrowSplits(writeOut(graph, 'webgpu', implementationOf), 7);
    const onHost = hostNodes(written, 'webgpu').map(nodeName);
    let results: Outputs = {};
    const profile = await profileModel(
      encodeModel(written, { name: 'samples' }),
      { provider: 'webgpu', onHost },
      async (session) => {
        results = resultsIn({ ...(await session.run(feedsOf(g.feeds))) });
      },
      0,
    );
    const { onCpu } = placementIn(profile);
    const elsewhere = onCpu.filter((node) => !onHost.some((name) => node.endsWith(` ${name}`)));
    expect(elsewhere).toEqual([]);
    // WebGPU promises 4096 units in the last place of an arc tangent, and this adapter takes most of them.
    expect(differences(results, await runSamples(graph, g.feeds), 1e-5)).toEqual([]);
  });
});
