import type { Graph, NewNode } from '../graph/index.js';
import { GraphEditor, int } from '../graph/index.js';

/** A value, and the results into which it is split. */
interface Part {
  readonly name: string;
  readonly results: readonly string[];
}

/** Results in at most `most` runs, as long as can be split with as few levels of splits as possible. */
function runsOf(results: readonly string[], most: number): readonly (readonly string[])[] {
  let length = 1;
  while (length * most < results.length) length *= most;
  return Array.from({ length: Math.ceil(results.length / length) }, (_, i) =>
    results.slice(i * length, (i + 1) * length),
  );
}

/** Splits of values into more than `most` results become trees of splits: results are storage buffers of one shader. */
export function narrowSplits(graph: Graph, most: number | null): Graph {
  if (most === null) return graph;
  const editor = new GraphEditor(graph);
  for (const node of editor.nodes()) {
    if (node.op !== 'Split' || node.outputs.length <= most) continue;
    const { attributes, origin } = node;
    const given = attributes['axis']?.kind === 'int' ? attributes['axis'].value : 0;
    const axis = given < 0 ? given + editor.shapeOf(node.inputs[0]).length : given;
    const sizeOf = (results: readonly string[]): number =>
      results.reduce((sum, name) => sum + editor.shapeOf(name)[axis], 0);
    const splits: NewNode[] = [];
    const split = ({ name, results }: Part): void => {
      const runs = runsOf(results, most);
      const parts = runs.map((run): Part => ({
        name: run.length === 1 ? run[0] : `${run[0]}/and ${run.length - 1} more`,
        results: run,
      }));
      const sizes = editor.integers(`${parts[0].name}/sizes`, runs.map(sizeOf));
      splits.push({
        op: 'Split',
        inputs: [name, sizes],
        outputs: parts.map((part) => part.name),
        attributes: { axis: int(axis) },
        origin,
      });
      for (const part of parts) if (part.results.length > 1) split(part);
    };
    split({ name: node.inputs[0], results: node.outputs });
    editor.replace(node, ...splits);
  }
  return editor.finish();
}
