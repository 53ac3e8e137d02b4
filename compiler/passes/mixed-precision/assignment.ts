import { sizeOf, type GraphEditor, type Node } from '../../graph/index.js';
import { ruleOf, type Rule } from './rules.js';

export const isFloat = (editor: GraphEditor, name: string): boolean => editor.type(name)?.dtype === 'float32';

/** Which of its readers want a value in float16. */
type Demand = 'all' | 'some' | 'none';

/**
 * Which nodes compute in float16. Forwards: who can, as what they are given is float16 already; then backwards: of these,
 * whose results are wanted so.
 */
export class Assignment {
  private readonly readers = new Map<string, Node[]>();
  private readonly able = new Set<Node>();
  /** First outputs of the nodes that compute in float16. */
  private readonly half = new Set<string>();

  constructor(
    private readonly editor: GraphEditor,
    longestSum: number,
  ) {
    const nodes = [...editor.nodes()].map((node) => ({ node, rule: ruleOf(node, { editor, longestSum }) }));
    const makers = new Map<string, Node>();
    for (const { node, rule } of nodes) {
      for (const name of node.outputs) makers.set(name, node);
      for (const name of node.inputs) {
        const known = this.readers.get(name);
        if (known) known.push(node);
        else this.readers.set(name, [node]);
      }
      if (rule === 'half' || (rule !== 'full' && this.largest(node).some((name) => this.gives(makers.get(name)))))
        this.able.add(node);
    }
    for (const { node, rule } of nodes.toReversed()) if (this.chooses(node, rule)) this.half.add(node.outputs[0]);
  }

  isHalf({ outputs }: Node): boolean {
    return this.half.has(outputs[0]);
  }

  /** The float operands that have most elements; constants are what they need to be. */
  private largest({ inputs }: Node): string[] {
    const { editor } = this;
    const floats = inputs.filter((name) => isFloat(editor, name) && !editor.constant(name));
    const sizes = floats.map((name) => sizeOf(editor.shapeOf(name)));
    const most = Math.max(...sizes);
    return floats.filter((_, i) => sizes[i] === most);
  }

  private gives(maker: Node | undefined): boolean {
    return maker !== undefined && this.able.has(maker);
  }

  private chooses(node: Node, rule: Rule): boolean {
    switch (rule) {
      case 'half':
        return true;
      case 'full':
        return false;
      case 'follows':
        return this.able.has(node) && this.demandFor(node) !== 'none';
      case 'moves': {
        const demand = this.demandFor(node);
        return demand === 'all' || (demand === 'some' && this.able.has(node));
      }
    }
  }

  private demandFor({ outputs }: Node): Demand {
    const floats = outputs.filter((name) => isFloat(this.editor, name));
    // A comparison: its result is neither.
    if (floats.length === 0) return 'some';
    const readers = floats.flatMap((name) => this.readers.get(name) ?? []);
    const wanting = readers.filter((reader) => this.isHalf(reader)).length;
    if (wanting === 0) return 'none';
    return wanting === readers.length && !floats.some((name) => this.editor.isOutput(name)) ? 'all' : 'some';
  }
}
