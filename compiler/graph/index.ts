export * from './attributes.js';
export { GraphBuilder } from './builder.js';
export { GraphEditor, withoutDeadCode, type NewNode } from './editor.js';
export type { Graph, Node, OnnxGraph, OnnxNode, Port, Scope } from './graph.js';
export { histogram, isDynamic, nodeLabel, optimizerOrigin, producersOf, scopeOf, shapeIn } from './graph.js';
export { numbersOf, withTypes } from './infer.js';
export { sliced } from './movement-rules.js';
export {
  affineOfNorm,
  boundsOf,
  floatsOf,
  hardSigmoidOf,
  integersOf,
  isPlainProduct,
  reducedAxes,
  scalarOf,
  zerosAround,
  type Affine,
  type Bounds,
} from './node-parameters.js';
export type { OnnxOp } from './operators.js';
export { commutative, onnxName, operatorOf, rowsOf, shapeRules } from './operators.js';
export { graphHash, graphLines, printGraph } from './print.js';
export { applyRules, type Match, type Replacement, type Rule, rulesFor } from './rules.js';
export { windowOf, type Window } from './shape-rules.js';
export * from './types.js';
export { checkedAfter, verifyGraph } from './verify.js';
