import type { OnnxFile } from '../../compiler/index.js';
import { OnnxEditor } from './editor.js';
import { intOf, nodeLabel } from './onnx-nodes.js';
import { inferShapes, isOnePixel, numbers } from './shapes/index.js';

/** Integer kernels take this many channels at once; the rest takes as long. */
const channelsAtOnce = 16;

/** How many layers a warning names. */
const named = 3;

/** Warns of convolutions whose channels are no multiples of 16, naming those that multiply most. */
export function channelWarnings(file: OnnxFile): string[] {
  const editor = new OnnxEditor(file);
  const shapes = inferShapes(editor);
  const convolutions = editor.nodes.filter(({ opType }) => opType === 'Conv');
  const odd = convolutions.flatMap((node) => {
    const dims = editor.dims(node.input[1]) ?? [];
    const [output = 0, ingoing = 0, ...kernel] = dims;
    const input = ingoing * intOf(node, 'group', 1);
    // Those of one pixel, as in squeeze-excite, take next to no time; images come with the channels that they have.
    if (dims.length === 0 || isOnePixel(shapes.dims(node.input[0]))) return [];
    if (output % channelsAtOnce === 0 && (input % channelsAtOnce === 0 || input < channelsAtOnce)) return [];
    const pixels = numbers(shapes.dims(node.output[0])?.slice(2)) ?? [];
    const products = [...dims, ...pixels].reduce((a, b) => a * b, 1);
    return [{ label: `${nodeLabel(node)} (${input} to ${output} channels, ${kernel.join('x')})`, products }];
  });
  if (odd.length === 0) return [];
  const largest = odd.toSorted((a, b) => b.products - a.products).slice(0, named);
  const rest = odd.length > named ? `, and ${odd.length - named} more` : '';
  return [
    `${odd.length} of ${convolutions.length} convolutions have channels that are no multiples of ${channelsAtOnce}, ` +
      `which integers are slower with: ${largest.map(({ label }) => label).join(', ')}${rest}`,
  ];
}
