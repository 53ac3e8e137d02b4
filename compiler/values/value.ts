import type { Data, Shape, TfDType } from '../graph/index.js';
import { GraphBuilder, elementTypes, range, sameShape, sizeOf } from '../graph/index.js';
import type { BlockLayout, BlockOrder } from './blocks.js';
import { blockedShape, fromBlocks, joinImages, splitImages, swapBlocks, toBlocks } from './blocks.js';
import type { Perm } from './layout.js';
import { NCHW, layOut, permute, storageOrder, toStorage } from './layout.js';
import type { Recipe } from './recipe.js';

export interface Form {
  readonly perm: Perm;
  readonly name: string;
}

/** A graph input whose storage order may be decided by its first use. */
export interface Undecided {
  /** Declares the input, in this order unless its order is settled already. */
  declare(perm: Perm): Form;
  /** The order that it would rather have; null when it does not mind. */
  preferred(): Perm | null;
}

const keyOf = ({ order, parts }: BlockLayout): string => `${order}/${parts}`;

/** Constants up to this size are folded and broadcast while tracing. */
export const foldLimit = 1 << 16;

/**
 * A symbolic tensor: a logical (TF.js) shape, a stored shape in which lazily broadcast axes have size 1, and one or
 * more forms, each a graph value that holds it in some storage order. Other forms are made on demand. A value known
 * while tracing holds its data instead.
 */
export class Val {
  private readonly forms = new Map<string, Form>();
  private readonly blocks = new Map<string, readonly string[]>();
  private layout: BlockLayout | null = null;
  /** Data in logical order (of the stored shape), when known while tracing. */
  data: Data | null = null;
  private undecided: Undecided | null = null;
  recipe: Recipe | null = null;
  /** Layer that computed the value, for messages. */
  origin = '';

  private constructor(
    readonly builder: GraphBuilder,
    readonly shape: Shape,
    readonly dtype: TfDType,
    /** As `shape`, but 1 on lazily broadcast axes. */
    readonly stored: Shape,
  ) {
    this.origin = builder.origin;
  }

  /** A value known while tracing; the data is not copied. */
  static constant(builder: GraphBuilder, data: Data, shape: Shape, dtype: TfDType): Val {
    const uniform = data.length > 0 && data.every((v: number | bigint) => v === data[0]);
    const value = new Val(builder, shape, dtype, uniform ? shape.map(() => 1) : shape);
    value.data = uniform ? data.slice(0, 1) : data;
    return value;
  }

  static fill(builder: GraphBuilder, number: number, shape: Shape, dtype: TfDType): Val {
    const value = new Val(
      builder,
      shape,
      dtype,
      shape.map(() => 1),
    );
    value.data = elementTypes[dtype].array.of(number);
    return value;
  }

  static undecided(builder: GraphBuilder, source: Undecided, shape: Shape, dtype: TfDType): Val {
    const value = new Val(builder, shape, dtype, shape);
    value.undecided = source;
    return value;
  }

  /** The graph value `name`, which holds it in the order `perm`. */
  static of(
    builder: GraphBuilder,
    name: string,
    shape: Shape,
    dtype: TfDType,
    perm: Perm = range(shape.length),
    stored: Shape = shape,
  ): Val {
    const value = new Val(builder, shape, dtype, stored);
    const got = builder.typeOf(name);
    const expected = permute(stored, perm);
    if (!sameShape(got.shape, expected) || got.dtype !== dtype)
      throw new Error(
        `internal: '${name}' is ${got.dtype}[${got.shape.join(',')}], expected ${dtype}[${expected.join(',')}]`,
      );
    value.forms.set(perm.join(), { perm, name });
    return value;
  }

  /** An NHWC value in ONNX Runtime's blocked layout; each of `names` has the memory of as many images, in any shape. */
  static blocked(builder: GraphBuilder, names: readonly string[], shape: Shape, order: BlockOrder): Val {
    const value = new Val(builder, shape, 'float32', shape);
    const layout = { order, parts: names.length };
    const part = blockedShape(shape.with(0, shape[0] / names.length), order, value.block);
    value.layout = layout;
    value.blocks.set(
      keyOf(layout),
      names.map((name) => builder.reshape(name, part)),
    );
    return value;
  }

  get rank(): number {
    return this.shape.length;
  }

  private get block(): number {
    if (this.builder.block === null) throw new Error('internal: this graph has no blocked layout');
    return this.builder.block;
  }

  /** The blocked layout in which it is there; null when it is not in blocks. */
  get blockLayout(): BlockLayout | null {
    return this.layout;
  }

  /** Names of the graph values that hold its images in blocks, in `parts` equal parts of the shape `blockedShape`. */
  blockedForm(order: BlockOrder, parts: number): readonly string[] {
    const key = keyOf({ order, parts });
    const existing = this.blocks.get(key);
    if (existing) return existing;
    const names = this.makeBlocks(order, parts);
    this.layout ??= { order, parts };
    this.blocks.set(key, names);
    return names;
  }

  private makeBlocks(order: BlockOrder, parts: number): readonly string[] {
    const { builder, layout } = this;
    if (layout === null) {
      if (order === 'NCHWc' && parts === 1) return [toBlocks(builder, this.fullForm(NCHW), this.block)];
      const whole = this.blockedForm('NCHWc', 1);
      return parts === 1 ? [swapBlocks(builder, whole[0])] : this.blockedForm(order, parts);
    }
    if (parts === layout.parts) return this.blockedForm(layout.order, parts).map((name) => swapBlocks(builder, name));
    if (parts > 1) return splitImages(builder, this.blockedForm(order, 1)[0], order, parts);
    if (layout.order === order) return [joinImages(builder, this.blockedForm(order, layout.parts), order)];
    // Of two orders the one that is there is joined first: one copy less than swapping every part.
    return [swapBlocks(builder, this.blockedForm(layout.order, 1)[0])];
  }

  /** A single known number, possibly broadcast; null otherwise. */
  get number(): number | null {
    return this.data?.length === 1 ? Number(this.data[0]) : null;
  }

  get isFull(): boolean {
    return sameShape(this.shape, this.stored);
  }

  /** The storage order that costs nothing; null when the value does not mind (constants, undecided inputs). */
  get perm(): Perm | null {
    for (const form of this.forms.values()) return form.perm;
    if (this.layout !== null) return NCHW;
    return this.undecided?.preferred() ?? null;
  }

  get perms(): readonly Perm[] {
    return [...this.forms.values()].map(({ perm }) => perm);
  }

  /** Name of the graph value that holds it in this order, lazily broadcast axes having size 1. */
  form(perm: Perm = range(this.rank)): string {
    const existing = this.forms.get(perm.join());
    if (existing) return existing.name;
    const name = this.makeForm(perm);
    this.forms.set(perm.join(), { perm, name });
    return name;
  }

  /** Makes sure that there is a form besides blocks. */
  private anchor(): void {
    if (this.forms.size === 0) this.form(this.layout !== null ? NCHW : undefined);
  }

  private makeForm(perm: Perm): string {
    if (this.data)
      return this.builder.addConstant(toStorage(this.data, this.stored, perm), permute(this.stored, perm), this.dtype);
    if (this.undecided && this.forms.size === 0) {
      const form = this.undecided.declare(perm);
      this.forms.set(form.perm.join(), form);
      return form.perm.join() === perm.join() ? form.name : this.makeForm(perm);
    }
    if (this.forms.size === 0 && this.layout !== null) {
      const nchw = fromBlocks(this.builder, this.blockedForm('NCHWc', 1)[0], this.shape[3]);
      this.forms.set(NCHW.join(), { perm: NCHW, name: nchw });
      return this.form(perm);
    }
    const order = storageOrder(this.stored, perm);
    const forms = [...this.forms.values()];
    const source = forms.find((form) => storageOrder(this.stored, form.perm) === order) ?? forms[0];
    return this.builder.transpose(
      source.name,
      perm.map((axis) => source.perm.indexOf(axis)),
    );
  }

  /** As `form`, with every lazily broadcast axis at its full size. */
  fullForm(perm: Perm = range(this.rank)): string {
    if (this.isFull) return this.form(perm);
    const shape = permute(this.shape, perm);
    if (this.data && this.canMaterialise)
      return this.builder.addConstant(layOut(this.data, this.stored, this.shape, perm), shape, this.dtype);
    return this.builder.expand(this.form(perm), shape);
  }

  private get canMaterialise(): boolean {
    return sizeOf(this.shape) <= foldLimit;
  }

  /** TF.js's Transpose: only the names of the axes change. */
  transposed(axes: Perm): Val {
    const value = new Val(this.builder, permute(this.shape, axes), this.dtype, permute(this.stored, axes));
    if (this.data) {
      value.data = toStorage(this.data, this.stored, axes);
      return value;
    }
    this.anchor();
    for (const { perm, name } of this.forms.values()) {
      const renamed = perm.map((axis) => axes.indexOf(axis));
      value.forms.set(renamed.join(), { perm: renamed, name });
    }
    return value;
  }

  reshaped(shape: Shape): Val {
    if (sameShape(shape, this.shape)) return this;
    // A batch that is known only at run time is broadcast then.
    if (this.data && (this.data.length === 1 || !this.shape.some((d) => this.builder.isBatch(d)))) {
      if (this.data.length === 1) return Val.fill(this.builder, Number(this.data[0]), shape, this.dtype);
      return Val.constant(
        this.builder,
        layOut(this.data, this.stored, this.shape, range(this.rank)),
        shape,
        this.dtype,
      );
    }
    const long = (s: Shape): number[] => range(s.length).filter((axis) => s[axis] !== 1);
    const [from, to] = [long(this.shape), long(shape)];
    if (sameShape(permute(this.shape, from), permute(shape, to))) return this.withUnitAxes(shape, from, to);
    return Val.of(this.builder, this.builder.reshape(this.fullForm(), shape), shape, this.dtype);
  }

  /** Only axes of size 1 come or go: any storage order stays, and so do lazy axes. */
  private withUnitAxes(shape: Shape, from: readonly number[], to: readonly number[]): Val {
    this.anchor();
    const [source] = this.forms.values();
    const stored = new Array<number>(shape.length).fill(1);
    for (const [i, axis] of to.entries()) stored[axis] = this.stored[from[i]];
    const order = source.perm.filter((axis) => this.shape[axis] !== 1).map((axis) => to[from.indexOf(axis)]);
    const perm = permWithOrder(shape, order, source.perm.length === 4);
    return Val.of(
      this.builder,
      this.builder.reshape(source.name, permute(stored, perm)),
      shape,
      this.dtype,
      perm,
      stored,
    );
  }

  broadcastTo(shape: Shape): Val {
    const missing = shape.length - this.rank;
    const source = missing > 0 ? this.reshaped([...new Array<number>(missing).fill(1), ...this.shape]) : this;
    return source.relabelled(shape);
  }

  /** The same stored data under another logical shape: lazily broadcast axes may take any size. */
  relabelled(shape: Shape): Val {
    if (sameShape(shape, this.shape)) return this;
    const value = new Val(this.builder, shape, this.dtype, this.stored);
    value.data = this.data;
    if (this.data) return value;
    this.anchor();
    for (const [key, form] of this.forms) value.forms.set(key, form);
    return value;
  }

  /** The data in logical order and full size, when known while tracing. */
  knownData(): Data | null {
    return this.data && (this.isFull ? this.data : layOut(this.data, this.stored, this.shape, range(this.rank)));
  }
}

/** A storage order of `shape` in which the axes longer than 1 stand in the given order. */
function permWithOrder(shape: Shape, order: readonly number[], wasRank4: boolean): Perm {
  const likeNchw = shape.length === 4 && NCHW.filter((axis) => shape[axis] !== 1).join() === order.join();
  if (isAscending(order) && !(wasRank4 && likeNchw)) return range(shape.length);
  if (likeNchw) return NCHW;
  const perm = [...order];
  for (const axis of range(shape.length)) if (shape[axis] === 1) perm.splice(Math.min(axis, perm.length), 0, axis);
  return perm;
}

const isAscending = (items: readonly number[]): boolean => items.every((item, i) => i === 0 || items[i - 1] < item);
