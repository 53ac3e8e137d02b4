import { onnxName, shapeRules, type OnnxOp } from '../../compiler/graph/index.js';
import { kernels, type KernelName } from '../../compiler/index.js';
import { convolutionGradientRules, convolutionRules } from '../../compiler/kernels/convolution/convolution.js';
import { activationGradientRules, activationRules } from '../../compiler/kernels/elementwise/activation.js';
import { binaryRules } from '../../compiler/kernels/elementwise/binary.js';
import { randomRules } from '../../compiler/kernels/own.js';
import { creationRules, unaryRules } from '../../compiler/kernels/elementwise/unary.js';
import { indexingRules } from '../../compiler/kernels/indexing.js';
import { matmulRules } from '../../compiler/kernels/matmul.js';
import { batchNormTrainingRules, normalizationRules } from '../../compiler/kernels/normalization.js';
import { poolingRules, resizeRules } from '../../compiler/kernels/images.js';
import { reductionRules, softmaxRules } from '../../compiler/kernels/reduction.js';
import { shapeRules as shapeKernelRules } from '../../compiler/kernels/shape.js';
import { opset } from '../../compiler/onnx/model.js';
import { codes, page, table } from './markdown.js';

/** Kernel rules by topic. */
const families: readonly (readonly [title: string, ...rules: readonly object[]])[] = [
  ['convolution', convolutionRules, convolutionGradientRules],
  ['pooling', poolingRules],
  ['normalisation', normalizationRules],
  ['matrix products', matmulRules],
  ['activations', activationRules],
  ['softmax', softmaxRules],
  ['elementwise, one input', unaryRules],
  ['elementwise, two inputs', binaryRules],
  ['reductions', reductionRules],
  ['shapes', shapeKernelRules],
  ['indexing', indexingRules],
  ['resizing', resizeRules],
  ['creation', creationRules],
  ['of our own', activationGradientRules, batchNormTrainingRules, randomRules],
];

const names = Object.keys(kernels) as KernelName[];

function reasonOf(name: KernelName): string | undefined {
  const entry = kernels[name];
  return typeof entry === 'function' ? undefined : entry.unsupported;
}

/** @throws Error if the families and the supported kernels differ. */
function supportedRows(): string[][] {
  const rows = families.map(([title, ...rules]) => ({
    title,
    members: rules.flatMap((each) => Object.keys(each)).sort(),
  }));
  const listed = rows.flatMap(({ members }) => members).sort();
  const supported = names.filter((name) => reasonOf(name) === undefined).sort();
  if (listed.join() !== supported.join())
    throw new Error('docs/generator/operators.ts does not list the families of compiler/kernels/index.ts');
  return rows.map(({ title, members }) => [title, codes(members)]);
}

function unsupportedRows(): string[][] {
  const reasons = new Map<string, string[]>();
  for (const name of [...names].sort()) {
    const reason = reasonOf(name);
    if (reason !== undefined) reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
  }
  return [...reasons].map(([reason, members]) => [reason, codes(members)]);
}

function operatorRows(): string[][] {
  const domains = new Map<string, string[]>();
  for (const op of Object.keys(shapeRules) as OnnxOp[]) {
    const { domain, type } = onnxName(op);
    domains.set(domain, [...(domains.get(domain) ?? []), type]);
  }
  return [...domains].map(([domain, types]) => [
    domain === '' ? `ONNX, operator set ${opset}` : domain,
    codes(types.toSorted()),
  ]);
}

/** docs/operators.md: which TF.js kernels compile, and to which ONNX operators. */
export const operatorsPage = (): string =>
  page(
    '# Operators',
    `A program that is compiled calls TF.js as usual; every operation of TF.js ends in one or several _kernels_, and each
kernel has a rule that records it as ONNX operators. Gradients are kernels too, so what compiles also trains. A kernel
without a rule stops the compilation with an error that names the kernel, the layer and the reason.`,
    '## Kernels that compile',
    table(['family', 'kernels'], supportedRows()),
    `The kernels of our own take the place of longer sequences of TF.js's: gradients of activations, batch normalisation in
training, rounding with the gradient straight through, and the noise of \`uniform()\`.`,
    '## Kernels that do not',
    table(['reason', 'kernels'], unsupportedRows()),
    '## Operators of a compiled graph',
    `A graph may hold these operators and no others; the type and the shape of every value are inferred and checked. The
blocked domain is internal to ONNX Runtime's CPU provider and is used for convolutions where a self-test passes;
exported models never contain it.`,
    table(['domain', 'operators'], operatorRows()),
  );
