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

/** A constant of one number, whose broadcast changes no shape. */
export function scalarOf(editor: Editor, name: string): number | undefined {
  const constant = editor.constant(name);
  const values = constant && constant.shape.length < 2 ? editor.floats(name) : undefined;
  return values?.length === 1 ? values[0] : undefined;
}

type Bounds = readonly [low: number, high: number];

/** A bound of Clip; `open` where it is left out or is all that a float can be. */
function bound(editor: Editor, name: string | undefined, open: number): number | undefined {
  if (!name) return open;
  const value = scalarOf(editor, name);
  // PyTorch and TF write the largest float for a missing bound.
  return value !== undefined && Math.abs(value) > 3.4e38 ? open : value;
}

const pair = (low: number | undefined, high: number | undefined): Bounds | undefined =>
  low === undefined || high === undefined ? undefined : [low, high];

/** The bounds of a node that only clips its first input. */
export function boundsOf(editor: Editor, { op, inputs }: OnnxNode): Bounds | undefined {
  const second = () => (inputs.length === 2 ? scalarOf(editor, inputs[1]) : undefined);
  switch (op) {
    case 'Relu':
      return [0, Infinity];
    case 'Clip':
      return pair(bound(editor, inputs[1], -Infinity), bound(editor, inputs[2], Infinity));
    case 'Max':
      return pair(second(), Infinity);
    case 'Min':
      return pair(-Infinity, second());
    default:
      return undefined;
  }
}
