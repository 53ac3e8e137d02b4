import type { Val } from './value.js';

/** The gradients of a convolution, recorded without the gradient of its output. */
export interface FoldedGradient {
  input(): Val;
  filter(): Val;
}

/** What is known about how a value was computed, for rules that recognise patterns over several kernels. */
export type Recipe =
  /** scale * of + offset */
  | { readonly kind: 'affine'; readonly of: Val; readonly scale: number; readonly offset: number }
  | { readonly kind: 'relu'; readonly of: Val }
  /** clip(of, low, high), where `of` may lie before a ReLU that the clip makes superfluous. */
  | { readonly kind: 'clip'; readonly of: Val; readonly low: number; readonly high: number }
  /** of * factor, the factor being a vector over the last axis. */
  | { readonly kind: 'scaled'; readonly of: Val; readonly factor: Val; readonly folded: FoldedGradient | null }
  /** The 1x1 convolution of x, in blocks. */
  | { readonly kind: 'pointwise'; readonly x: Val; readonly filter: Val }
  /** a * b, elementwise. */
  | { readonly kind: 'product'; readonly a: Val; readonly b: Val }
  | { readonly kind: 'sigmoid'; readonly of: Val }
  /** dy * y * (1 - y), for y = sigmoid(x). */
  | { readonly kind: 'sigmoid-gradient'; readonly dy: Val; readonly y: Val }
  /** dy where low < of < high, else 0. */
  | { readonly kind: 'window'; readonly dy: Val; readonly of: Val; readonly low: number; readonly high: number }
  /** The gradient `dy` passed back through the clip that made `clipped`. */
  | { readonly kind: 'clip-gradient'; readonly dy: Val; readonly clipped: Val };
