/** Helpers of the preparation rules: properties of graph values. */
import {
  isFixed,
  type GraphEditor,
  type NewNode,
  type OnnxNode,
  type Rule,
  type Shape,
} from '../../../compiler/index.js';

export type Editor = GraphEditor<string>;
export type Rules = readonly Rule<string>[];
export type Replace = Rule<string>['replace'];

/** A node that replaces another and keeps its name. */
export const named = (
  { name }: OnnxNode,
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: NewNode['attributes'] = {},
): NewNode<string> => ({ op, inputs, outputs, attributes, ...(name !== undefined && { name }) });

/** Whether a shape is [N, C, 1, 1], an image of one pixel. */
export const isOnePixel = (shape: Shape | undefined): shape is readonly [number, number, 1, 1] =>
  shape?.length === 4 && isFixed(shape[1]) && shape[2] === 1 && shape[3] === 1;
