import type { OnnxFile } from '../../compiler/index.js';
import { OnnxEditor } from './editor.js';
import { intOf, nodeLabel } from './onnx-nodes.js';

/** Integer kernels take this many channels at once; the rest takes as long. */
const channelsAtOnce = 16;

/** How many layers a warning names. */
const named = 3;

/** Warns of convolutions whose channels are no multiples of 16, naming those of the most weights. */
export function channelWarnings(file: OnnxFile): string[] {
  const editor = new OnnxEditor(file);
  const convolutions = editor.nodes.filter(({ opType }) => opType === 'Conv');
  const odd = convolutions.flatMap((node) => {
    const dims = editor.dims(node.input[1]) ?? [];
    const [output = 0, ingoing = 0, ...kernel] = dims;
    const input = ingoing * intOf(node, 'group', 1);
    // Pictures and vectors of one pixel come with the channels that they have, and take little.
    if (dims.length === 0 || editor.producer(node.input[0]) === undefined || isLast(editor, node.output[0])) return [];
    if (output % channelsAtOnce === 0 && (input % channelsAtOnce === 0 || input < channelsAtOnce)) return [];
    const weights = dims.reduce((a, b) => a * b, 1);
    return [{ label: `${nodeLabel(node)} (${input} to ${output} channels, ${kernel.join('x')})`, weights }];
  });
  if (odd.length === 0) return [];
  const largest = odd.toSorted((a, b) => b.weights - a.weights).slice(0, named);
  const rest = odd.length > named ? `, and ${odd.length - named} more` : '';
  return [
    `${odd.length} of ${convolutions.length} convolutions have channels that are no multiples of ${channelsAtOnce}, ` +
      `which integers are slower with: ${largest.map(({ label }) => label).join(', ')}${rest}`,
  ];
}

/** Whether nothing but reshapes and probabilities comes behind a tensor: its channels are the classes. */
function isLast(editor: OnnxEditor, name: string): boolean {
  if (editor.outputs.has(name)) return true;
  const next = editor.only(name);
  return (
    next !== undefined &&
    ['Flatten', 'Reshape', 'Squeeze', 'Softmax'].includes(next.opType) &&
    isLast(editor, next.output[0])
  );
}
