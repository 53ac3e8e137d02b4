import type { Rewrite } from './writer.js';

/** Casts from int64 of what was cast to it: what there was before is at hand. */
export const narrowCast: Rewrite = (w) => {
  const [x] = w.node.inputs;
  return [w.castLike(w.beforeCast(x) ?? x, w.node.outputs[0])];
};
