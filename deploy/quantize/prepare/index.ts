import type { OnnxFile } from '../../../compiler/index.js';
import { OnnxEditor } from '../editor.js';
import { oneBound } from './bounds.js';
import { constantNodes } from './constant-nodes.js';
import { foldAffine } from './fold-affine.js';
import { foldConstants } from './fold-constants.js';
import { hardSigmoids } from './hard-sigmoids.js';
import { poolMeans } from './means.js';
import { needless } from './needless.js';
import { oneSpelling } from './one-spelling.js';
import { padsInside } from './pads.js';
import { refuseOthers } from './refuse.js';
import { staticReshapes } from './static-reshapes.js';
import { mergeTransposes } from './turns.js';
import { vectorsAsImages } from './vectors-as-images.js';

/** A rewrite that changes no value by more than rounding. */
export interface Rewrite {
  readonly name: string;
  readonly run: (editor: OnnxEditor) => void;
}

const rewrite = (name: string, run: Rewrite['run']): Rewrite => ({ name, run });

/** What makes a model of whatever tool one of few operators, in this order: later ones know the forms that earlier ones give. */
export const preparation: readonly Rewrite[] = [
  rewrite('constants are no nodes', constantNodes),
  rewrite('leave out what does nothing', needless),
  rewrite('fold constants', foldConstants),
  rewrite('reshape to constant extents', staticReshapes),
  rewrite('one spelling of sums and products', oneSpelling),
  rewrite('one bound', oneBound),
  rewrite('recognize hard sigmoids', hardSigmoids),
  rewrite('merge transposes', mergeTransposes),
  rewrite('pad in the convolution', padsInside),
  rewrite('means as poolings', poolMeans),
  rewrite('vectors as images', vectorsAsImages),
  rewrite('fold scales and shifts', foldAffine),
  rewrite('leave out what does nothing any more', needless),
];

/**
 * The model in the few float operators that a plan knows: convolutions with batch norm inside and dense layers as
 * convolutions of one pixel, Relu, Clip, HardSigmoid and Sigmoid with products, Add, Mul, poolings, and what only moves
 * values. It computes the same to rounding in float32, from the same inputs to the same outputs. What no rewrite knows stays.
 *
 * @param where what errors call the file
 * @throws NasError `invalid-input` for what is no float32 classifier of images of opset 13 or above, or quantized already
 */
export function prepare(file: OnnxFile, where: string): OnnxFile {
  refuseOthers(file, where);
  const editor = new OnnxEditor(file);
  for (const { run } of preparation) run(editor);
  return editor.toFile();
}
