import {
  type Data,
  elementTypes,
  GraphBuilder,
  range,
  sameShape,
  type Shape,
  sizeOf,
  type TfDType,
} from '../graph/index.js';
import { blockedShape, type BlockOrder, fromBlocks, swapBlocks, toBlocks } from './blocks.js';
import { layOut, NCHW, type Perm, permute, permWithOrder, storageOrder, toStorage } from './layout.js';

/** Gradients of a convolution that were derived without the gradient of its output. */
export interface FoldedGradient {
  input(): Val;
  filter(): Val;
}

/** The largest offset through which rules see: beyond it, float32 loses too much of the number that it is added to. */
export const plainOffset = 128;

/** Whether rules may see through scale * x + offset: such factors and offsets keep nearly all digits of ordinary numbers. */
export const isPlain = (scale: number, offset: number): boolean =>
  Math.abs(scale) >= 2 ** -60 && Math.abs(scale) <= 2 ** 60 && Math.abs(offset) <= plainOffset * Math.abs(scale);

/**
 * How a value was computed, for rules that recognise patterns over several kernels.
 *
 * The rules know the exact sequences of kernels that TF.js 4.22 records. A recipe is lost, and with it the fast form but no
 * correctness, when TF.js records a gradient by other kernels (such as a division for a product by a constant), when a value
 * is cast, reshaped or broadcast between two kernels, or when a rule forgets `madeAs`. A recipe is wrong, and so is every
 * gradient that relies on it, when it says more than float32 computes: a factor or an offset that is not `isPlain`, bounds
 * far from 0 or close together, an operand whose shape differs from the result's.
 */
type Recipe =
  /** scale * of + offset, `isPlain`. */
  | { readonly kind: 'affine'; readonly of: Val; readonly scale: number; readonly offset: number }
  | { readonly kind: 'relu'; readonly of: Val }
  /** clip(of, low, high); `of` may precede a ReLU that the clip makes superfluous. */
  | { readonly kind: 'clip'; readonly of: Val; readonly low: number; readonly high: number }
  /** of * factor, a vector over the last axis. */
  | { readonly kind: 'scaled'; readonly of: Val; readonly factor: Val; readonly folded: FoldedGradient | null }
  /** The 1x1 convolution of x, in blocks. */
  | { readonly kind: 'pointwise'; readonly x: Val; readonly filter: Val }
  /** a * b, elementwise. */
  | { readonly kind: 'product'; readonly a: Val; readonly b: Val }
  | { readonly kind: 'sigmoid'; readonly of: Val }
  /** dy * y * (1 - y), for y = sigmoid(x). */
  | { readonly kind: 'sigmoid-gradient'; readonly dy: Val; readonly y: Val }
  /** dy where low < of < high, else 0. */
  | { readonly kind: 'window'; readonly dy: Val; readonly of: Val; readonly low: number; readonly high: number }
  /** The gradient `dy` passed back through the clip that made `clipped`. */
  | { readonly kind: 'clip-gradient'; readonly dy: Val; readonly clipped: Val };

interface Form {
  readonly perm: Perm;
  readonly name: string;
}

/** A graph input whose storage order its first use decides. */
interface Undecided {
  /** Declares the input, in this order unless its order is settled. */
  declare(perm: Perm): Form;
  /** The preferred order; null: any. */
  preferred(): Perm | null;
}

/** The graph values that hold a value; requested forms and blocks are added. */
interface Storage {
  readonly forms: Map<string, Form>;
  readonly blocks: Map<BlockOrder, string>;
  /** The order of its first blocks. */
  blockOrder: BlockOrder | null;
  /** Data in logical order (of the stored shape), if known while tracing. */
  readonly data: Data | null;
  readonly undecided: Undecided | null;
}

const newStorage = (known: Partial<Storage> = {}): Storage => ({
  forms: new Map(),
  blocks: new Map(),
  blockOrder: null,
  data: null,
  undecided: null,
  ...known,
});

const blockOf = ({ block }: GraphBuilder): number => {
  if (block === null) throw new Error('internal: this graph has no blocked layout');
  return block;
};

/** Constants up to this size are folded and broadcast while tracing. */
export const foldLimit = 1 << 16;

/**
 * A symbolic tensor: a logical (TF.js) shape, a stored shape in which lazily broadcast axes have size 1, and forms. A form
 * is a graph value that holds the tensor in one storage order; others are made on demand. A value that is known while
 * tracing holds its data instead.
 */
export class Val {
  private constructor(
    readonly builder: GraphBuilder,
    readonly shape: Shape,
    readonly dtype: TfDType,
    /** As `shape`, but 1 on lazily broadcast axes. */
    readonly stored: Shape,
    private readonly storage: Storage,
    readonly recipe: Recipe | null = null,
    /** The layer that computed it, for messages. */
    readonly origin = builder.origin,
  ) {}

  /** A value known while tracing; the data is not copied. */
  static constant(builder: GraphBuilder, data: Data, shape: Shape, dtype: TfDType): Val {
    const uniform = data.length > 0 && data.every((v: number | bigint) => v === data[0]);
    const stored = uniform ? shape.map(() => 1) : shape;
    return new Val(builder, shape, dtype, stored, newStorage({ data: uniform ? data.slice(0, 1) : data }));
  }

  static fill(builder: GraphBuilder, number: number, shape: Shape, dtype: TfDType): Val {
    const stored = shape.map(() => 1);
    return new Val(builder, shape, dtype, stored, newStorage({ data: elementTypes[dtype].array.of(number) }));
  }

  static undecided(builder: GraphBuilder, source: Undecided, shape: Shape, dtype: TfDType): Val {
    return new Val(builder, shape, dtype, shape, newStorage({ undecided: source }));
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
    const got = builder.typeOf(name);
    const expected = permute(stored, perm);
    if (!sameShape(got.shape, expected) || got.dtype !== dtype)
      throw new Error(
        `internal: '${name}' is ${got.dtype}[${got.shape.join(',')}], expected ${dtype}[${expected.join(',')}]`,
      );
    return new Val(builder, shape, dtype, stored, newStorage({ forms: new Map([[perm.join(), { perm, name }]]) }));
  }

  /** An NHWC value in the blocked layout, which `name` holds in any shape. */
  static blocked(builder: GraphBuilder, name: string, shape: Shape, order: BlockOrder): Val {
    const blocks = builder.reshape(name, blockedShape(shape, order, blockOf(builder)));
    return new Val(
      builder,
      shape,
      'float32',
      shape,
      newStorage({ blockOrder: order, blocks: new Map([[order, blocks]]) }),
    );
  }

  /** The same value with a recipe. */
  madeAs(recipe: Recipe): Val {
    return new Val(this.builder, this.shape, this.dtype, this.stored, this.storage, recipe, this.origin);
  }

  get data(): Data | null {
    return this.storage.data;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** Null for a value that is not in blocks. */
  get blockOrder(): BlockOrder | null {
    return this.storage.blockOrder;
  }

  /** The graph value of its images in blocks, of the shape `blockedShape`. */
  blockedForm(order: BlockOrder): string {
    const existing = this.storage.blocks.get(order);
    if (existing !== undefined) return existing;
    const name = this.makeBlocks(order);
    this.storage.blockOrder ??= order;
    this.storage.blocks.set(order, name);
    return name;
  }

  private makeBlocks(order: BlockOrder): string {
    const { builder } = this;
    const other = this.storage.blockOrder ?? 'NCHWc';
    if (order === other) return toBlocks(builder, this.fullForm(NCHW), blockOf(builder));
    return swapBlocks(builder, this.blockedForm(other));
  }

  /** A single known number, possibly broadcast; null otherwise. */
  get number(): number | null {
    return this.data?.length === 1 ? Number(this.data[0]) : null;
  }

  get isFull(): boolean {
    return sameShape(this.shape, this.stored);
  }

  /** The storage order that needs no copy; null: any (constants, undecided inputs). */
  get perm(): Perm | null {
    for (const form of this.storage.forms.values()) return form.perm;
    if (this.blockOrder !== null) return NCHW;
    return this.storage.undecided?.preferred() ?? null;
  }

  get perms(): readonly Perm[] {
    return [...this.storage.forms.values()].map(({ perm }) => perm);
  }

  /** The graph value in this order; lazily broadcast axes have size 1. */
  form(perm: Perm = range(this.rank)): string {
    const existing = this.storage.forms.get(perm.join());
    if (existing) return existing.name;
    const name = this.makeForm(perm);
    this.storage.forms.set(perm.join(), { perm, name });
    return name;
  }

  /** The forms besides blocks, at least one, with renamed axes. */
  private formsAs(rename: (perm: Perm) => Perm): Map<string, Form> {
    if (this.storage.forms.size === 0) this.form(this.blockOrder !== null ? NCHW : undefined);
    const renamed = [...this.storage.forms.values()].map(({ perm, name }) => ({ perm: rename(perm), name }));
    return new Map(renamed.map((form) => [form.perm.join(), form]));
  }

  private makeForm(perm: Perm): string {
    if (this.data)
      return this.builder.addConstant(toStorage(this.data, this.stored, perm), permute(this.stored, perm), this.dtype);
    if (this.storage.undecided && this.storage.forms.size === 0) {
      const form = this.storage.undecided.declare(perm);
      this.storage.forms.set(form.perm.join(), form);
      return form.perm.join() === perm.join() ? form.name : this.makeForm(perm);
    }
    if (this.storage.forms.size === 0 && this.blockOrder !== null) {
      const nchw = fromBlocks(this.builder, this.blockedForm('NCHWc'), this.shape[3]);
      this.storage.forms.set(NCHW.join(), { perm: NCHW, name: nchw });
      return this.form(perm);
    }
    const order = storageOrder(this.stored, perm);
    const forms = [...this.storage.forms.values()];
    const source = forms.find((form) => storageOrder(this.stored, form.perm) === order) ?? forms[0];
    return this.builder.transpose(
      source.name,
      perm.map((axis) => source.perm.indexOf(axis)),
    );
  }

  /** As `form`, with lazily broadcast axes at their full size. */
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

  /** TF.js's Transpose: renames the axes. */
  transposed(axes: Perm): Val {
    const known = this.data
      ? { data: toStorage(this.data, this.stored, axes) }
      : { forms: this.formsAs((perm) => perm.map((axis) => axes.indexOf(axis))) };
    return new Val(this.builder, permute(this.shape, axes), this.dtype, permute(this.stored, axes), newStorage(known));
  }

  reshaped(shape: Shape): Val {
    if (sameShape(shape, this.shape)) return this;
    // A dynamic batch is broadcast at run time.
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

  /** Adds and removes axes of size 1 only: storage order and lazy axes stay. */
  private withUnitAxes(shape: Shape, from: readonly number[], to: readonly number[]): Val {
    const [source] = this.formsAs((perm) => perm).values();
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

  /** The same stored data under another logical shape: lazily broadcast axes can have any size. */
  relabelled(shape: Shape): Val {
    if (sameShape(shape, this.shape)) return this;
    const known = this.data ? { data: this.data } : { forms: this.formsAs((perm) => perm) };
    return new Val(this.builder, shape, this.dtype, this.stored, newStorage(known));
  }

  /** The data in logical order and full size, if known while tracing. */
  knownData(): Data | null {
    return this.data && (this.isFull ? this.data : layOut(this.data, this.stored, this.shape, range(this.rank)));
  }
}
