/** A row of docs/lowerings.md. */
interface Description {
  readonly name: string;
  /** The file with the formula. */
  readonly file: string;
  readonly what: string;
  readonly where: string;
  /** `portable`: standard ONNX operators; `blocked`: ONNX Runtime's CPU provider, where the self-test passes. */
  readonly needs: 'portable' | 'blocked';
}

/** In the order in which an image meets them. */
export const lowerings = [
  {
    name: 'blocked layout',
    file: 'values/blocks.ts',
    what: 'images stay in ONNX Runtime’s blocked layout from one operator to the next',
    where: 'images with at least half a block of channels, up to the next operator that needs NCHW',
    needs: 'blocked',
  },
  {
    name: 'depthwise convolution',
    file: 'kernels/blocked/depthwise.ts',
    what: 'forward, input gradient and filter gradient as blocked convolutions; the filter gradient uses the output gradient as its filter',
    where: 'depthwise convolutions without multiplier; gradients without dilation',
    needs: 'blocked',
  },
  {
    name: 'full convolution',
    file: 'kernels/blocked/full.ts',
    what: 'forward and input gradient as blocked convolutions; packed filters are transposed and reversed block by block',
    where: 'convolutions with at least half a block of output channels',
    needs: 'blocked',
  },
  {
    name: 'filter gradient over images',
    file: 'kernels/blocked/filter-gradient.ts',
    what: 'one convolution with images as channels and the output gradient as filter',
    where: 'full convolutions, batches of whole blocks',
    needs: 'blocked',
  },
  {
    name: 'folded batch normalisation',
    file: 'kernels/statistics/folded-batch-norm.ts',
    what: 'statistics of a wide tensor from the covariance of its narrow input; the normalisation is folded into the weights, forward and backward',
    where: '1x1 convolutions to at least twice the channels, followed by batch normalisation in training',
    needs: 'blocked',
  },
  {
    name: 'sums over pixels',
    file: 'kernels/statistics/sums.ts',
    what: 'sums of products as a depthwise convolution of one factor with the other, without the product',
    where: 'batch normalisation, squeeze-excite and their gradients',
    needs: 'blocked',
  },
  {
    name: 'affine maps',
    file: 'kernels/blocked/in-blocks.ts',
    what: 'scale*x + offset + addend in one pass, as a 1x1 depthwise convolution',
    where: 'batch normalisation, gates of channels, gradients of activations',
    needs: 'blocked',
  },
  {
    name: 'gated activations',
    file: 'kernels/elementwise/activation.ts',
    what: 'swish: dy*s*(1 + z - h); hard swish: dy*(g + z*w/6): half the passes of the product rule',
    where: 'swish and hard swish in any notation',
    needs: 'portable',
  },
  {
    name: 'activation windows',
    file: 'kernels/elementwise/activation.ts',
    what: 'gradients of ReLU, ReLU6 and clips as a product with a steep hard sigmoid, without boolean tensors',
    where: 'ReLUs, and clips between bounds of at most 128',
    needs: 'portable',
  },
  {
    name: 'scale folding',
    file: 'kernels/convolution/convolution.ts',
    what: 'the last factor of batch normalisation’s gradient is applied to the filter of the preceding convolution',
    where: 'convolutions followed by batch normalisation in training',
    needs: 'portable',
  },
  {
    name: 'depthwise convolutions as matrix products',
    file: 'kernels/convolution/matrices.ts',
    what: 'forward and both gradients of small images as products with the filter spread out to a matrix',
    where: 'the CPU provider without blocks: images of up to 8x8 pixels, or 16x16 with stride 2',
    needs: 'portable',
  },
  {
    name: 'states in long vectors',
    file: 'passes/pack-states.ts',
    what: 'states with the same update become one input, one output and one update',
    where: 'weights, momenta, running statistics',
    needs: 'portable',
  },
] as const satisfies readonly Description[];

/** An optimisation over a literal translation of TF.js's kernels. */
export type LoweringName = (typeof lowerings)[number]['name'];
