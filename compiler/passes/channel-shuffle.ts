import type { Graph, Node } from '../graph/index.js';
import { GraphEditor, ints } from '../graph/index.js';

const toNhwc = [0, 2, 3, 1];
const toNchw = [0, 3, 1, 2];
const turn = [0, 1, 2, 4, 3];

function hasPerm(node: Node | undefined, expected: readonly number[]): node is Node {
  const perm = node?.op === 'Transpose' ? node.attributes['perm'] : undefined;
  return perm?.kind === 'ints' && perm.value.join() === expected.join();
}

/** The map that a value shuffles the channels of, both in NCHW, and in how many groups; null when it does not. */
function shuffledMap(editor: GraphEditor, last: Node) {
  const before = (node: Node | undefined): Node | undefined => editor.producer(node?.inputs[0] ?? '');
  const merge = before(last);
  const swap = before(merge);
  const split = before(swap);
  const first = before(split);
  if (!hasPerm(last, toNchw) || merge?.op !== 'Reshape' || !hasPerm(swap, turn)) return null;
  if (split?.op !== 'Reshape' || !hasPerm(first, toNhwc)) return null;
  const map = first.inputs[0];
  const [, channels, height, width] = editor.shapeOf(map);
  const table = editor.shapeOf(split.outputs[0]);
  const merged = editor.shapeOf(merge.outputs[0]);
  if (table.length !== 5 || merged.length !== 4) return null;
  const keeps = table[1] === height && table[2] === width && table[3] * table[4] === channels;
  const whole = merged[1] === height && merged[2] === width && merged[3] === channels;
  return keeps && whole ? { map, channels, height, width, groups: table[3] } : null;
}

/**
 * Shuffles channels in NCHW: a channel shuffle is recorded in NHWC, between two transpositions of whole maps, which its
 * own transposition, of rows of pixels, makes superfluous.
 */
export function shuffleChannels(graph: Graph): Graph {
  const editor = new GraphEditor(graph);
  for (const node of editor.nodes()) {
    const found = shuffledMap(editor, node);
    if (found === null) continue;
    const { map, channels, height, width, groups } = found;
    const { outputs, origin } = node;
    const [table, turned] = ['table', 'turned'].map((name) => `${outputs[0]}/${name}`);
    const split = editor.integers(`${outputs[0]}/split`, [0, groups, channels / groups, height, width]);
    const merge = editor.integers(`${outputs[0]}/merge`, [0, channels, height, width]);
    editor.replace(
      node,
      { op: 'Reshape', inputs: [map, split], outputs: [table], origin },
      { op: 'Transpose', inputs: [table], outputs: [turned], attributes: { perm: ints([0, 2, 1, 3, 4]) }, origin },
      { op: 'Reshape', inputs: [turned, merge], outputs, origin },
    );
  }
  return editor.finish();
}
