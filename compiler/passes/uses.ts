import type { Graph, Node } from '../graph/index.js';
import { producersOf } from '../graph/index.js';

/** Who computes and who reads each value. */
export class Uses {
  private readonly producers: ReadonlyMap<string, Node>;
  private readonly counts = new Map<string, number>();

  constructor(graph: Graph) {
    this.producers = producersOf(graph.nodes);
    for (const name of [...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs.map((port) => port.name)])
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  producer(name: string): Node | undefined {
    return this.producers.get(name);
  }

  /** How often the value is read; being an output of the graph counts. */
  count(name: string): number {
    return this.counts.get(name) ?? 0;
  }
}

/** A convolution in blocks whose result is read once, as it is or in another shape. */
export interface OnlyUse {
  readonly convolution: Node;
  /** The node that gives the result its shape; null when it is read as it is. */
  readonly reshape: Node | null;
}

/** The blocked convolution without activation that computes `name`, when nothing else reads what it computes. */
export function onlyUseOf(uses: Uses, name: string): OnlyUse | null {
  if (uses.count(name) !== 1) return null;
  const last = uses.producer(name);
  const reshape = last?.op === 'Reshape' ? last : null;
  if (reshape && uses.count(reshape.inputs[0]) !== 1) return null;
  const convolution = reshape ? uses.producer(reshape.inputs[0]) : last;
  return convolution?.op === 'nchwc.Conv' && !convolution.attributes['activation'] ? { convolution, reshape } : null;
}
