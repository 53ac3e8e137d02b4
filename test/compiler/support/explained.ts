import type { Difference, Operands } from './edges.js';

/** Why compiled and eager results may differ at the edge. */
export interface Explanation {
  readonly cases: RegExp;
  /** Default: all outputs and gradients. */
  readonly outputs?: RegExp;
  readonly edges: readonly Operands[];
  /** Kinds of values, `eager → compiled`. */
  readonly changes: RegExp;
  readonly reason: string;
}

const gradients = /^d\//;
const notFinite = ['infinite', 'NaN'] as const;
const anywhere = ['ordinary', 'zero', 'subnormal', 'tiny', 'large', 'huge', 'greatest', 'infinite', 'NaN'] as const;
const clipped = /clip|relu|hard sigmoid|crossentropy/i;
const summed = /conv|pool|matMul|Gram|dot|outer|batchNorm|normalizeBatch|resizeBilinear|loss|moments/i;

/** Every difference has a row, and every row a difference: the slow test of the edges proves both. */
export const explanations: readonly Explanation[] = [
  {
    cases: /./,
    outputs: gradients,
    edges: ['subnormal'],
    changes: /^[0x] → [0x]$/,
    reason:
      'Whether subnormal numbers are zeros is decided by the first session of ONNX Runtime in a process; the steep slope of a ReLU’s gradient makes fractions of them.',
  },
  {
    cases: clipped,
    outputs: gradients,
    edges: ['zero', 'subnormal', 'tiny', 'infinite'],
    changes: /^x → 0$/,
    reason:
      'A kink: TF.js counts the bounds of a clip as inside. A window excludes them, and what float32 rounds to them at the size of the window.',
  },
  {
    cases: /clip|relu|hard sigmoid|loss|crossentropy/i,
    outputs: gradients,
    edges: anywhere,
    changes: /^(0|x|Inf|-Inf) → NaN$/,
    reason: 'Gradients of clips multiply by 0 or 1, where TF.js selects: 0 * ∞ and 0 * NaN are NaN.',
  },
  {
    cases: /clip|relu/i,
    outputs: gradients,
    edges: ['NaN'],
    changes: /^NaN → 0$/,
    reason:
      'TF.js passes NaN through a ReLU’s gradient, and none through a clip’s; a compiled clip of a ReLU is one clip.',
  },
  {
    cases: /^abs$|^step$|^loss .*absolute/i,
    edges: ['NaN', 'infinite', 'subnormal'],
    changes: /^NaN → [0x]$|^x → x$/,
    reason: 'A step is the comparison x > 0, which is false for NaN: no NaN as in TF.js. (∞ - ∞ is NaN.)',
  },
  { cases: /^sign/, edges: ['NaN'], changes: /^0 → NaN$/, reason: 'The sign of NaN is NaN in ONNX, 0 in TF.js.' },
  {
    cases: /^(elu|selu)$/,
    outputs: /^output$/,
    edges: ['tiny'],
    changes: /^x → 0$/,
    reason: 'ONNX Runtime computes exp(x) - 1 in float32, TF.js in 64 bits.',
  },
  {
    cases: /^erf$/,
    outputs: /^output$/,
    edges: ['tiny'],
    changes: /^x → x$/,
    reason: 'TF.js approximates erf with an absolute error of 1.5e-7; ONNX Runtime is closer.',
  },
  {
    cases: /sigmoid|softplus|cross-?entropy/i,
    edges: anywhere,
    changes: /^x → [0x]$/,
    reason: 'ONNX Runtime’s sigmoid is a rational function up to |x| = 18, with an absolute error of 1e-7.',
  },
  {
    cases: /cast to int32|int32 \(forward\)|floor\(a/,
    edges: anywhere,
    changes: /^[0x] → [0x]$/,
    reason:
      'Casts of numbers that no int32 holds: JavaScript keeps the low 32 bits, processors give the smallest integer.',
  },
  {
    cases: /square.* of int32/i,
    edges: anywhere,
    changes: /^[0x] → [0x]$/,
    reason: 'JavaScript rounds products to 53 bits before it keeps the low 32 of them.',
  },
  {
    cases: /^prelu/,
    edges: notFinite,
    changes: /→ NaN$/,
    reason: 'A slope that is not finite multiplies min(x, 0), which is 0 for positive x.',
  },
  {
    cases: /^unsortedSegmentSum/,
    edges: notFinite,
    changes: /^NaN → /,
    reason: 'TF.js multiplies every row by a mask of 0 and 1 for each segment, and spreads NaN to all of them.',
  },
  {
    cases: /^topk/,
    edges: notFinite,
    changes: /./,
    reason: 'NaN has no order. TF.js’s selection computes with its pivots and loses numbers beside an infinite one.',
  },
  {
    cases: /^(max|min|maximum of a broadcast|maxPool|logSumExp|argMax|argMin|softmax|logSoftmax)\b/i,
    edges: ['NaN'],
    changes: /./,
    reason: 'ONNX Runtime’s maximum skips NaN or keeps it, depending on its place.',
  },
  {
    cases: summed,
    edges: notFinite,
    changes: /^(0|x|Inf|-Inf) → NaN$/,
    reason: 'Padding, tiles and spread filters multiply NaN and ∞ by 0; TF.js leaves these products out.',
  },
  {
    cases: /^resizeBilinear/,
    outputs: /^output$/,
    edges: ['infinite'],
    changes: /^NaN → -?Inf$/,
    reason: 'TF.js interpolates as a + (b - a) * t, and ∞ - ∞ is NaN; ONNX Runtime as a * (1 - t) + b * t.',
  },
  {
    cases: /^maxPool/,
    edges: ['infinite'],
    changes: /^(-Inf → x|0 → x|x → 0|x → x)$/,
    reason: 'ONNX Runtime pads with the smallest finite number, which is greater than -∞.',
  },
  {
    cases: /sum|mean|conv|matMul|pool|loss/i,
    edges: ['large', 'huge'],
    changes: /^[0x] → [0x]$/,
    reason: 'Large numbers cancel: sums lose the digits below the largest operand, each order others.',
  },
  {
    cases: /^(pow|prod)/,
    edges: ['large', 'huge'],
    changes: /^x → -?Inf$|^-?Inf → NaN$/,
    reason: 'Sums and products of many powers overflow on the way: TF.js computes them in 64 bits.',
  },
  {
    cases: /^div \(floors\) of int32/,
    edges: ['large', 'huge'],
    changes: /^[0x] → [0x]$/,
    reason: 'TF.js takes the absolute value of an int32, which this case divides by, in float32.',
  },
  {
    cases: /^fused/,
    outputs: gradients,
    edges: ['huge', 'infinite', 'NaN'],
    changes: /^x → x$/,
    reason:
      'Huge products cancel to a rounding error, or to NaN in one of both; its comparison with 0 selects the slope.',
  },
  {
    cases: /^normalizeBatch/,
    edges: ['large', 'huge', 'greatest'],
    changes: /./,
    reason: 'Normalisation of one number far from the others: both lose all digits of the others, in another order.',
  },
];

/** The row of a difference, if there is one. */
export const explanationOf = (difference: Difference): Explanation | undefined =>
  explanations.find(
    ({ cases, outputs, edges, changes }) =>
      cases.test(difference.name) &&
      (outputs?.test(difference.output) ?? true) &&
      edges.includes(difference.edge) &&
      changes.test(difference.change),
  );

const line = ({ name, output, edge, change, example }: Difference): string =>
  `${name}, ${output}, ${edge}: ${change} (${example})`;

/** One line for each difference without a row. @param alike another edge in the same operands, such as a constant */
export const unexplained = (differences: readonly Difference[], alike?: Operands): string[] =>
  differences
    .filter((difference) =>
      [difference.edge, alike ?? difference.edge].every((edge) => !explanationOf({ ...difference, edge })),
    )
    .map(line);
