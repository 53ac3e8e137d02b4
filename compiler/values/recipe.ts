/** The gradients of a convolution, recorded without the gradient of its output. */
export interface FoldedGradient<V> {
  input(): V;
  filter(): V;
}

/** What is known about how a value (V) was computed, for rules that recognise patterns over several kernels. */
export type RecipeOf<V> =
  /** scale * of + offset */
  | { readonly kind: 'affine'; readonly of: V; readonly scale: number; readonly offset: number }
  | { readonly kind: 'relu'; readonly of: V }
  /** clip(of, low, high), where `of` may lie before a ReLU that the clip makes superfluous. */
  | { readonly kind: 'clip'; readonly of: V; readonly low: number; readonly high: number }
  /** of * factor, the factor being a vector over the last axis. */
  | { readonly kind: 'scaled'; readonly of: V; readonly factor: V; readonly folded: FoldedGradient<V> | null }
  /** The 1x1 convolution of x, in blocks. */
  | { readonly kind: 'pointwise'; readonly x: V; readonly filter: V }
  /** a * b, elementwise. */
  | { readonly kind: 'product'; readonly a: V; readonly b: V }
  | { readonly kind: 'sigmoid'; readonly of: V }
  /** dy * y * (1 - y), for y = sigmoid(x). */
  | { readonly kind: 'sigmoid-gradient'; readonly dy: V; readonly y: V }
  /** dy where low < of < high, else 0. */
  | { readonly kind: 'window'; readonly dy: V; readonly of: V; readonly low: number; readonly high: number }
  /** The gradient `dy` passed back through the clip that made `clipped`. */
  | { readonly kind: 'clip-gradient'; readonly dy: V; readonly clipped: V };
