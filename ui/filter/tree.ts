import { type Span, wordText } from './tokens.js';

export const operators = ['=', '!=', '<', '<=', '>', '>=', '~', '!~'] as const;
export type Operator = (typeof operators)[number];

/** `87 %` is the number 0.87; `none` is an unknown value. */
export type Literal =
  | { readonly kind: 'number'; readonly value: number; readonly percent: boolean }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'none' };

export interface Name extends Span {
  readonly text: string;
}

export type WrittenLiteral = Span & { readonly literal: Literal };

export type Tree =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Tree[] }
  | { readonly kind: 'not'; readonly of: Tree }
  /** A name alone: its value is known and not false. */
  | { readonly kind: 'is'; readonly name: Name }
  | { readonly kind: 'compare'; readonly name: Name; readonly operator: Operator; readonly value: WrittenLiteral }
  | { readonly kind: 'in'; readonly name: Name; readonly values: readonly WrittenLiteral[] };

export const numberOf = ({ value, percent }: Literal & { kind: 'number' }): number => (percent ? value / 100 : value);

export function literalText(literal: Literal): string {
  switch (literal.kind) {
    case 'number':
      return `${literal.value}${literal.percent ? ' %' : ''}`;
    case 'text':
      return wordText(literal.text);
    case 'none':
      return 'none';
  }
}

/** The inverse of `parse`. */
export function treeText(tree: Tree): string {
  const inner = (part: Tree): string =>
    part.kind === 'and' || part.kind === 'or' ? `(${treeText(part)})` : treeText(part);
  switch (tree.kind) {
    case 'and':
    case 'or':
      return tree.parts.map(inner).join(` ${tree.kind} `);
    case 'not':
      return `not ${inner(tree.of)}`;
    case 'is':
      return wordText(tree.name.text);
    case 'compare':
      return `${wordText(tree.name.text)} ${tree.operator} ${literalText(tree.value.literal)}`;
    case 'in':
      return `${wordText(tree.name.text)} in (${tree.values.map(({ literal }) => literalText(literal)).join(', ')})`;
  }
}
