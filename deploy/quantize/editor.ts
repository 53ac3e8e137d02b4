import { clone, create } from '@bufbuild/protobuf';
import { GraphProtoSchema, ModelProtoSchema, NodeProtoSchema, TensorProtoSchema, type TensorProto } from 'onnx-buf';
import { inputsOf, type OnnxFile } from '../../compiler/index.js';
import { namedApart, nodeFrom, type OnnxNode } from './onnx-nodes.js';
import { onnxTensor, tensorFloats, tensorInts, type TensorData } from './onnx-tensors.js';

/** From this format on, constants need not be listed among the inputs. */
const constantsApart = 4n;

/**
 * The graph of a model while it is rewritten: its nodes in order, its constants, and who makes and who reads each tensor, kept
 * up to date. The file itself stays as it is; `toFile` gives what came of it. Nodes are known by identity and never change: one that is
 * to read something else is replaced.
 */
export class OnnxEditor {
  /** What the model is fed: its inputs without those that are constants. */
  readonly inputs: readonly string[];
  readonly outputs: ReadonlySet<string>;
  private readonly order: OnnxNode[];
  private readonly constants: Map<string, TensorProto>;
  private readonly producers = new Map<string, OnnxNode>();
  private readonly readers = new Map<string, Set<OnnxNode>>();
  private readonly taken = new Set<string>();

  constructor(private readonly file: OnnxFile) {
    const { graph } = file;
    this.order = graph.node.map(nodeFrom);
    this.constants = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
    this.inputs = graph.input.map(({ name }) => name).filter((name) => !this.constants.has(name));
    this.outputs = new Set(graph.output.map(({ name }) => name));
    for (const node of this.order) this.link(node);
    for (const name of [...this.inputs, ...this.constants.keys()]) this.taken.add(name);
  }

  /** Extents of an input as the file says them; an open one has a name, of its own where the file gives it none. */
  inputDims(name: string): readonly (number | string)[] {
    const shape = inputsOf(this.file).find((input) => input.name === name)?.shape ?? [];
    return shape.map((size, axis) => (size === '?' ? `${name}[${axis}]` : size));
  }

  /** The nodes as they are now, each after those that it reads. Changes made meanwhile are not seen in it. */
  get nodes(): readonly OnnxNode[] {
    return [...this.order];
  }

  /** The node that makes a tensor; none for inputs and constants. */
  producer(name: string): OnnxNode | undefined {
    return this.producers.get(name);
  }

  /** The nodes that read a tensor, in no particular order, each once however often it does. */
  consumers(name: string): readonly OnnxNode[] {
    return [...(this.readers.get(name) ?? [])];
  }

  /** The node that alone reads a tensor; none where several do, or where it is an output of the model. */
  only(name: string): OnnxNode | undefined {
    const readers = this.consumers(name);
    return readers.length === 1 && !this.outputs.has(name) ? readers[0] : undefined;
  }

  /** Whether a tensor is an initializer. */
  isConstant(name: string): boolean {
    return this.constants.has(name);
  }

  constant(name: string): TensorProto | undefined {
    return this.constants.get(name);
  }

  /** Extents of a constant. */
  dims(name: string): readonly number[] | undefined {
    return this.constants.get(name)?.dims.map(Number);
  }

  /** The numbers of a constant of float32, a copy of them; none for other tensors. */
  floats(name: string): Float32Array | undefined {
    const tensor = this.constants.get(name);
    return tensor && tensorFloats(tensor);
  }

  /** The numbers of a constant of int32 or int64; none for other tensors. */
  ints(name: string): readonly number[] | undefined {
    const tensor = this.constants.get(name);
    return tensor && tensorInts(tensor);
  }

  /** A name that no tensor has: the given one, or that with a number. The same edits give the same names. */
  fresh(base: string): string {
    let name = base;
    for (let i = 2; this.taken.has(name); i++) name = `${base}_${i}`;
    this.taken.add(name);
    return name;
  }

  /** Adds a constant under the given name, or that with a number where it is taken. Returns the name. */
  addConstant(base: string, dims: readonly number[], data: TensorData): string {
    const name = this.fresh(base);
    this.constants.set(name, onnxTensor(name, dims, data));
    return name;
  }

  /** Makes what a node gives a constant of the same name, and takes the node away. */
  settle(node: OnnxNode, value: TensorProto): void {
    const [name] = node.output;
    this.remove(node);
    this.constants.set(name, Object.assign(clone(TensorProtoSchema, value), { name }));
  }

  /** Puts nodes at the beginning, in the order in which they are given. */
  prepend(...nodes: readonly OnnxNode[]): void {
    this.put(0, 0, nodes);
  }

  /** Puts nodes right before one of the graph. */
  insertBefore(node: OnnxNode, ...nodes: readonly OnnxNode[]): void {
    this.put(this.place(node), 0, nodes);
  }

  /** Puts nodes right behind one of the graph. */
  insertAfter(node: OnnxNode, ...nodes: readonly OnnxNode[]): void {
    this.put(this.place(node) + 1, 0, nodes);
  }

  /** Puts nodes in the place of one; they may give what it gave. */
  replace(node: OnnxNode, ...by: readonly OnnxNode[]): void {
    const place = this.place(node);
    this.unlink(node);
    this.put(place, 1, by);
  }

  /** Takes a node away; what it gave must be of no use any more when the file is made. */
  remove(node: OnnxNode): void {
    this.replace(node);
  }

  /** Gives a node other inputs. Returns what stands in its place. */
  rewire(node: OnnxNode, input: readonly string[]): OnnxNode {
    const changed = { ...node, input };
    this.replace(node, changed);
    return changed;
  }

  /** Whoever reads `name` reads `by` instead. An output of the model stays what it is. */
  replaceUses(name: string, by: string): void {
    for (const node of this.consumers(name))
      this.rewire(
        node,
        node.input.map((input) => (input === name ? by : input)),
      );
  }

  /**
   * Takes away a node that gives `by`, which is there already. Where its result is an output of the model, whoever makes `by`
   * gives it under the output's name; returns false, and changes nothing, where that cannot be.
   */
  bypass(node: OnnxNode, by: string): boolean {
    const [result] = node.output;
    if (!this.outputs.has(result)) {
      this.replaceUses(result, by);
      this.remove(node);
      return true;
    }
    const maker = this.producer(by);
    if (maker === undefined || this.outputs.has(by)) return false;
    this.remove(node);
    const renamed = maker.output.map((output) => (output === by ? result : output));
    this.replace(maker, { ...maker, output: renamed });
    this.replaceUses(by, result);
    return true;
  }

  /** Takes away the nodes whose results are of no use. */
  sweep(): void {
    for (const node of this.order.toReversed())
      if (!node.output.some((name) => this.outputs.has(name) || this.consumers(name).length > 0)) this.remove(node);
  }

  /** The model that came of it, without nodes, constants and shapes that are of no use any more; no two nodes have one name. */
  toFile(): OnnxFile {
    this.sweep();
    const used = new Set([...this.outputs, ...this.order.flatMap(({ input }) => input)]);
    const { graph, irVersion, opsetImport, producerName, producerVersion, metadataProps } = this.file;
    // Shapes of tensors inside are left out: they may be those of others by now, and follow from the inputs.
    const edited = create(GraphProtoSchema, {
      name: graph.name,
      input: graph.input.filter(({ name }) => !this.constants.has(name)),
      output: graph.output,
      node: namedApart(this.order).map(({ input, output, attribute, ...node }) =>
        create(NodeProtoSchema, { ...node, input: [...input], output: [...output], attribute: [...attribute] }),
      ),
      initializer: [...this.constants.values()].filter(({ name }) => used.has(name)),
    });
    const model = create(ModelProtoSchema, {
      irVersion: irVersion > constantsApart ? irVersion : constantsApart,
      opsetImport,
      producerName,
      producerVersion,
      metadataProps,
    });
    return Object.assign(clone(ModelProtoSchema, model), { graph: clone(GraphProtoSchema, edited) });
  }

  private place(node: OnnxNode): number {
    const place = this.order.indexOf(node);
    if (place < 0) throw new Error(`internal: '${node.name}' is not of the graph`);
    return place;
  }

  private put(place: number, instead: number, nodes: readonly OnnxNode[]): void {
    this.order.splice(place, instead, ...nodes);
    for (const node of nodes) this.link(node);
  }

  private link(node: OnnxNode): void {
    for (const name of node.output) {
      this.producers.set(name, node);
      this.taken.add(name);
    }
    for (const name of node.input) {
      if (name === '') continue;
      const readers = this.readers.get(name);
      if (readers) readers.add(node);
      else this.readers.set(name, new Set([node]));
    }
  }

  private unlink(node: OnnxNode): void {
    for (const name of node.output) if (this.producers.get(name) === node) this.producers.delete(name);
    for (const name of node.input) this.readers.get(name)?.delete(node);
  }
}
