import type { AttributeProto } from 'onnx-buf';
import type { Constant } from './types.js';

/** An operator's attribute; the kind decides how it is stored in the ONNX file. */
export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: Constant }
  /** An attribute that the compiler does not read, such as a graph, unchanged from the file. */
  | { readonly kind: 'opaque'; readonly value: AttributeProto };
export type Attributes = Readonly<Partial<Record<string, Attribute>>>;

/** The attributes that are set, with their names. */
export const attributeList = (attributes: Attributes): [string, Attribute][] =>
  Object.entries(attributes).flatMap(([name, attribute]) => (attribute ? [[name, attribute]] : []));

export const int = (value: number): Attribute => ({ kind: 'int', value });
export const ints = (value: readonly number[]): Attribute => ({ kind: 'ints', value });
export const float = (value: number): Attribute => ({ kind: 'float', value });
export const string = (value: string): Attribute => ({ kind: 'string', value });

interface Attributed {
  readonly attributes: Attributes;
}

export function intOf<D>({ attributes }: Attributed, name: string, otherwise: D): number | D {
  const attribute = attributes[name];
  return attribute?.kind === 'int' ? attribute.value : otherwise;
}

export function intsOf({ attributes }: Attributed, name: string): readonly number[] | undefined {
  const attribute = attributes[name];
  return attribute?.kind === 'ints' ? attribute.value : undefined;
}

export function floatOf({ attributes }: Attributed, name: string, otherwise: number): number {
  const attribute = attributes[name];
  return attribute?.kind === 'float' ? attribute.value : otherwise;
}

export function textOf({ attributes }: Attributed, name: string, otherwise: string): string {
  const attribute = attributes[name];
  return attribute?.kind === 'string' ? attribute.value : otherwise;
}
