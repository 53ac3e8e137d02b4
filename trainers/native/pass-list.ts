import { sliceOf, type Field, type Op, type Pass, type Slice } from '../../compiler/native/passes.js';

/** Operations over channels and weights, and the fields that they write. Each is small: independent neighbours share one group. */
const small: { readonly [O in Op]?: readonly Field[] } = {
  PACK: ['weights', 'weights_back'],
  PACK_DEPTHWISE: ['weights', 'weights_back'],
  UNPACK: ['dsource'],
  UNPACK_DEPTHWISE: ['dsource'],
  NORM: ['stats', 'x_norm', 'moving_mean', 'moving_variance'],
  NORM_INFERENCE: ['x_norm'],
  NORM_BACKWARD: ['g_norm', 'dgamma', 'dbeta'],
  EXPAND_FOLD: ['e_norm', 'e_stats', 'e_weights', 'e_weights_back', 'e_moving_mean', 'e_moving_variance'],
  EXPAND_FOLD_INFERENCE: ['e_norm', 'e_weights'],
  EXPAND_FOLD_BACKWARD: ['e_dsource', 'e_dgamma', 'e_dbeta', 'affine'],
  SQUEEZE_UNPACK: ['dreduce', 'dreduce_bias', 'dexpand', 'dexpand_bias'],
};

/** Neighbours over maps that run image by image, so that the second finds in the cache what the first wrote. */
const together: readonly (readonly [Op, Op])[] = [
  ['SQUEEZE_FORWARD', 'PRODUCT_FORWARD'],
  ['PRODUCT_BACKWARD', 'SQUEEZE_BACKWARD'],
];

/** Small passes wait for each other until they use this many floats of memory, which cannot be reused before. */
const mostWaiting = 1 << 20;

const slices = (values: readonly (Pass[Field] | Op)[]): Slice[] =>
  values.flatMap((value) => (typeof value === 'object' ? [sliceOf(value)] : []));
const used = (pass: Pass): Slice[] => slices(Object.values(pass));
const written = (pass: Pass): Slice[] => slices((small[pass.op] ?? []).map((field) => pass[field]));

const overlap = (a: Slice, b: Slice): boolean =>
  a.buffer === b.buffer && a.from < b.from + b.floats && b.from < a.from + a.floats;

/** A list of passes under construction, which decides what runs together. */
export class PassList {
  private readonly passes: Pass[] = [];
  /** Small passes that are independent of each other and not in the list yet. */
  private waiting: Pass[] = [];
  private groups = 0;

  add(pass: Pass): void {
    const uses = used(pass);
    if (this.waiting.some((other) => written(other).some((slice) => uses.some((own) => overlap(slice, own)))))
      this.flush();
    if (small[pass.op] !== undefined) {
      this.waiting.push(pass);
      if (this.floatsWaiting() > mostWaiting) this.flush();
      return;
    }
    const last = this.passes.at(-1);
    if (last === undefined || !together.some(([first, second]) => last.op === first && pass.op === second)) {
      this.passes.push(pass);
      return;
    }
    const group = last.group ?? ++this.groups;
    this.passes.splice(-1, 1, { ...last, group }, { ...pass, group });
  }

  done(): readonly Pass[] {
    this.flush();
    return this.passes;
  }

  private flush(): void {
    const own = this.waiting.length > 1 ? { group: -++this.groups } : {};
    for (const pass of this.waiting) this.passes.push({ ...pass, ...own });
    this.waiting = [];
  }

  private floatsWaiting(): number {
    const buffers = new Set(this.waiting.flatMap(used).flatMap(({ buffer }) => (buffer.kept ? [] : [buffer])));
    return [...buffers].reduce((sum, { floats }) => sum + floats, 0);
  }
}
