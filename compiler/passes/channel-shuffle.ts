import type { Graph, Node } from '../graph/index.js';
import { ints, producersOf, withoutDeadCode } from '../graph/index.js';

const toNhwc = [0, 2, 3, 1];
const toNchw = [0, 3, 1, 2];
const turn = [0, 1, 2, 4, 3];

function hasPerm(node: Node | undefined, expected: readonly number[]): node is Node {
  const perm = node?.op === 'Transpose' ? node.attributes['perm'] : undefined;
  return perm?.kind === 'ints' && perm.value.join() === expected.join();
}

/** The map that a value shuffles the channels of, both in NCHW, and in how many groups; null when it does not. */
function shuffledMap(graph: Graph, producers: ReadonlyMap<string, Node>, last: Node) {
  const before = (node: Node | undefined): Node | undefined => producers.get(node?.inputs[0] ?? '');
  const merge = before(last);
  const swap = before(merge);
  const split = before(swap);
  const first = before(split);
  if (!hasPerm(last, toNchw) || merge?.op !== 'Reshape' || !hasPerm(swap, turn)) return null;
  if (split?.op !== 'Reshape' || !hasPerm(first, toNhwc)) return null;
  const map = first.inputs[0];
  const shape = graph.types.get(map)?.shape;
  const table = graph.types.get(split.outputs[0])?.shape;
  const merged = graph.types.get(merge.outputs[0])?.shape;
  if (shape === undefined || table?.length !== 5 || merged?.length !== 4) return null;
  const [, channels, height, width] = shape;
  const keeps = table[1] === height && table[2] === width && table[3] * table[4] === channels;
  const whole = merged[1] === height && merged[2] === width && merged[3] === channels;
  return keeps && whole ? { map, shape, groups: table[3] } : null;
}

/**
 * Shuffles channels in NCHW: a channel shuffle is recorded in NHWC, between two transpositions of whole maps, which its
 * own transposition, of rows of pixels, makes superfluous.
 */
export function shuffleChannels(graph: Graph): Graph {
  const producers = producersOf(graph.nodes);
  const constants = new Map(graph.constants);
  const types = new Map(graph.types);
  const nodes = graph.nodes.flatMap((node): readonly Node[] => {
    const found = shuffledMap(graph, producers, node);
    if (found === null) return [node];
    const { map, groups } = found;
    const [batch, channels, height, width] = found.shape;
    const [output] = node.outputs;
    const part = channels / groups;
    const shapes = { split: [0, groups, part, height, width], merge: [0, channels, height, width] };
    for (const [key, shape] of Object.entries(shapes)) {
      constants.set(`${output}/${key}`, {
        dtype: 'int64',
        shape: [shape.length],
        data: BigInt64Array.from(shape, BigInt),
      });
      types.set(`${output}/${key}`, { dtype: 'int64', shape: [shape.length] });
    }
    types.set(`${output}/table`, { dtype: 'float32', shape: [batch, groups, part, height, width] });
    types.set(`${output}/turned`, { dtype: 'float32', shape: [batch, part, groups, height, width] });
    const { origin } = node;
    return [
      { op: 'Reshape', inputs: [map, `${output}/split`], outputs: [`${output}/table`], attributes: {}, origin },
      {
        op: 'Transpose',
        inputs: [`${output}/table`],
        outputs: [`${output}/turned`],
        attributes: { perm: ints([0, 2, 1, 3, 4]) },
        origin,
      },
      { op: 'Reshape', inputs: [`${output}/turned`, `${output}/merge`], outputs: [output], attributes: {}, origin },
    ];
  });
  return withoutDeadCode({ ...graph, nodes, constants, types });
}
