/**
 * Optimisations over a literal translation of TF.js's kernels, in the order in which an image meets them; docs/lowerings.md describes
 * each. `portable`: standard ONNX operators; `blocked`: ONNX Runtime's CPU provider, where the self-test passes.
 */
export const lowerings = [
  { name: 'blocked layout', needs: 'blocked' },
  { name: 'depthwise convolution', needs: 'blocked' },
  { name: 'full convolution', needs: 'blocked' },
  { name: 'filter gradient over images', needs: 'blocked' },
  { name: 'folded batch normalisation', needs: 'blocked' },
  { name: 'sums over pixels', needs: 'blocked' },
  { name: 'affine maps', needs: 'blocked' },
  { name: 'gated activations', needs: 'portable' },
  { name: 'activation windows', needs: 'portable' },
  { name: 'scale folding', needs: 'portable' },
  { name: 'depthwise convolutions as matrix products', needs: 'portable' },
  { name: 'states in long vectors', needs: 'portable' },
] as const satisfies readonly { readonly name: string; readonly needs: 'portable' | 'blocked' }[];

export type LoweringName = (typeof lowerings)[number]['name'];
