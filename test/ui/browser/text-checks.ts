import type { Page } from 'playwright-core';

/** Records the texts that charts draw on their canvases. Runs in the page, before its scripts. */
function recordTexts(): void {
  interface Drawn {
    readonly text: string;
    readonly box: readonly [left: number, top: number, right: number, bottom: number];
  }
  const drawn = new Map<HTMLCanvasElement, Drawn[]>();
  Object.assign(window, { drawnTexts: drawn });
  const context = CanvasRenderingContext2D.prototype;
  // oxlint-disable-next-line typescript/unbound-method -- called with the context
  const [fillText, clearRect] = [context.fillText, context.clearRect];
  context.clearRect = function (...area) {
    drawn.delete(this.canvas);
    clearRect.apply(this, area);
  };
  context.fillText = function (text, x, y, ...rest) {
    const { a, b, c, d, e, f } = this.getTransform();
    // Only texts along an axis have a box without corners.
    const isTurned = Math.abs(a * b) > 1e-3;
    const size = this.measureText(text);
    const corners = [
      [x - size.actualBoundingBoxLeft, y - size.actualBoundingBoxAscent],
      [x + size.actualBoundingBoxRight, y + size.actualBoundingBoxDescent],
    ].map(([u, v]) => [a * u + c * v + e, b * u + d * v + f]);
    const [us, vs] = [corners.map(([u]) => u), corners.map(([, v]) => v)];
    const box = [Math.min(...us), Math.min(...vs), Math.max(...us), Math.max(...vs)] as const;
    if (!isTurned && text.trim() !== '') drawn.set(this.canvas, [...(drawn.get(this.canvas) ?? []), { text, box }]);
    fillText.call(this, text, x, y, ...rest);
  };
}

export async function watchTexts(page: Page): Promise<void> {
  await page.addInitScript(recordTexts);
}

/** Texts that are cut off, or lie on each other: of charts, and of the document. */
export const textProblems = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    type Box = readonly [left: number, top: number, right: number, bottom: number];
    const area = ([left, top, right, bottom]: Box): number => Math.max(0, right - left) * Math.max(0, bottom - top);
    const common = (a: Box, b: Box): number =>
      area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
    const overlaps = (texts: readonly { readonly text: string; readonly box: Box }[]): string[] =>
      texts.flatMap(({ text, box }, i) =>
        texts
          .slice(i + 1)
          .filter((other) => common(box, other.box) > 0.2 * Math.min(area(box), area(other.box)))
          .map((other) => `"${text}" lies on "${other.text}"`),
      );
    const { drawnTexts } = window as unknown as {
      drawnTexts: Map<HTMLCanvasElement, { readonly text: string; readonly box: Box }[]>;
    };
    const problems: string[] = [];
    for (const [canvas, texts] of drawnTexts) {
      if (!canvas.isConnected) continue;
      // Charts draw several layers on one canvas: the same text twice in one place is one text.
      const once = [
        ...new Map(texts.map((each) => [`${each.text} ${each.box.map(Math.round).join()}`, each])).values(),
      ];
      for (const { text, box } of once)
        if (box[0] < -1 || box[1] < -1 || box[2] > canvas.width + 1 || box[3] > canvas.height + 1)
          problems.push(`"${text}" is cut off by its chart`);
      problems.push(...overlaps(once));
    }
    /** The part of a box that its scrolling ancestors show. */
    const shown = (box: Box, inside: Element | null): Box => {
      if (inside === null) return box;
      const { overflowX, overflowY } = getComputedStyle(inside);
      if (overflowX === 'visible' && overflowY === 'visible') return shown(box, inside.parentElement);
      const { left, top, right, bottom } = inside.getBoundingClientRect();
      const part = [
        Math.max(box[0], left),
        Math.max(box[1], top),
        Math.min(box[2], right),
        Math.min(box[3], bottom),
      ] as const;
      return shown(part, inside.parentElement);
    };
    const texts: { text: string; box: Box }[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const text = node.textContent?.trim() ?? '';
      const parent = node.parentElement;
      if (
        text === '' ||
        parent === null ||
        parent.closest('.visually-hidden, .menu-panel, .chart-walk, .grid, [aria-hidden], select, svg') !== null
      )
        continue;
      if (!parent.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const { left, top, right, bottom } of range.getClientRects())
        texts.push({ text: text.slice(0, 40), box: shown([left, top, right, bottom], parent) });
      const style = getComputedStyle(parent);
      const isCut = style.overflowX === 'hidden' && parent.scrollWidth > parent.clientWidth + 1;
      if (isCut && style.textOverflow !== 'ellipsis') problems.push(`"${text.slice(0, 40)}" is cut off`);
    }
    return [...problems, ...overlaps(texts.filter(({ box }) => area(box) > 0))].slice(0, 12);
  });
