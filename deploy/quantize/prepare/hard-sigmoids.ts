import type { OnnxEditor } from '../editor.js';
import { float, onnxNode, operatorOf, type OnnxNode } from '../onnx-nodes.js';
import { boundsOf, scalarOf } from './bounds.js';

/** `clip(slope x + offset, 0, top)`, written with operators of their own. */
interface Ramp {
  readonly x: string;
  readonly slope: number;
  readonly offset: number;
  readonly top: number;
}

/** A node of one operator with a constant of one number, that nothing but `reader` reads. */
function step(
  editor: OnnxEditor,
  name: string,
  operator: string,
): { readonly x: string; readonly value: number; readonly node: OnnxNode } | undefined {
  const node = editor.producer(name);
  if (node === undefined || operatorOf(node) !== operator || editor.only(name) === undefined) return undefined;
  const value = scalarOf(editor, node.input[1]);
  return value === undefined ? undefined : { x: node.input[0], value, node };
}

function rampOf(editor: OnnxEditor, node: OnnxNode | undefined): Ramp | undefined {
  const bounds = node && boundsOf(editor, node);
  if (node === undefined || bounds?.[0] !== 0 || !Number.isFinite(bounds[1]) || bounds[1] <= 0) return undefined;
  const shift = step(editor, node.input[0], 'Add');
  if (shift === undefined) return undefined;
  const scale = step(editor, shift.x, 'Mul');
  return { x: scale?.x ?? shift.x, slope: scale?.value ?? 1, offset: shift.value, top: bounds[1] };
}

/** Whether a ramp times a number ends at 1. */
const endsAtOne = ({ top }: Ramp, factor: number): boolean => Math.abs(top * factor - 1) < 1e-6;

const hardSigmoid = ({ x, slope, offset }: Ramp, factor: number, output: string): OnnxNode =>
  onnxNode('HardSigmoid', [x], [output], { alpha: float(slope * factor), beta: float(offset * factor) });

/** `ramp * factor`, or `(u * ramp) * factor`; the latter as `u * (ramp * factor)`. */
function scaled(editor: OnnxEditor, node: OnnxNode, factor: number): readonly OnnxNode[] | undefined {
  const [inner] = node.input;
  const before = editor.producer(inner);
  if (before === undefined || editor.only(inner) !== node) return undefined;
  const ramp = rampOf(editor, before);
  if (ramp !== undefined)
    return endsAtOne(ramp, factor) ? [{ ...hardSigmoid(ramp, factor, node.output[0]), name: node.name }] : undefined;
  if (operatorOf(before) !== 'Mul') return undefined;
  const [side, other] = [0, 1].map((i) => ({
    ramp: rampOf(editor, editor.producer(before.input[i])),
    name: before.input[i],
  }));
  const found = [
    [side, other],
    [other, side],
  ].find(([one]) => one.ramp !== undefined && endsAtOne(one.ramp, factor) && editor.only(one.name) === before);
  if (found?.[0].ramp === undefined) return undefined;
  const gate = editor.fresh(`${node.output[0]}/gate`);
  return [
    hardSigmoid(found[0].ramp, factor, gate),
    { ...onnxNode('Mul', [found[1].name, gate], node.output), name: node.name },
  ];
}

/** Hard sigmoids that are written as sums, bounds and products become HardSigmoid. */
export function hardSigmoids(editor: OnnxEditor): void {
  for (const { output } of editor.nodes) {
    const node = editor.producer(output[0]);
    if (node === undefined) continue;
    const factor = operatorOf(node) === 'Mul' ? scalarOf(editor, node.input[1]) : undefined;
    const by = factor === undefined ? undefined : scaled(editor, node, factor);
    if (by !== undefined) editor.replace(node, ...by);
  }
  editor.sweep();
  for (const node of editor.nodes) {
    const ramp = rampOf(editor, node);
    if (ramp?.top === 1) editor.replace(node, { ...hardSigmoid(ramp, 1, node.output[0]), name: node.name });
  }
}
