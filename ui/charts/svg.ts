import { TitleComponent } from 'echarts/components';
import { init, setPlatformAPI, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { type ChartOption, registerComponents } from './echarts.js';
import { labelled } from './labels.js';

registerComponents();
use([SVGRenderer, TitleComponent]);

/** The mean width of a letter in the widest font of the pictures, DejaVu Sans, in parts of its size; rounded up. */
const letterWidth = 0.56;

// Without a browser, ECharts takes the widths of Helvetica: in a wider font, texts of the legend would touch the next mark.
setPlatformAPI({
  measureText: (text, style = '') => ({
    width: text.length * letterWidth * Number(/([\d.]+)px/.exec(style)?.[1] ?? 12),
  }),
});

/** FNV-1a, 32 bits. It makes the ids of one picture differ from those of another on the same page. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return (value >>> 0).toString(36);
}

// Quotation marks in texts are entities, so `="` starts an attribute.
const name = /(?<=="(?:url\()?#?)zr\d+-/g;
const forScripts = /<style[^>]*>[\s\S]*?<\/style>| (?:ecmeta_[a-z_]+|class)="[^"]*"/g;
const style = / style="([^"]*)"/g;

/** Turns inline styles into attributes, which a strict content security policy allows. */
const asAttributes = (declarations: string): string =>
  declarations
    .split(/;(?=[a-z-]+:|$)/)
    .filter((declaration) => declaration.includes(':'))
    .map((declaration) => ` ${declaration.replace(/:\s*/, '="')}"`)
    .join('');

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** ECharts allows several titles; these charts have one. */
const titleOf = ({ title }: ChartOption): string => (title as { readonly text?: string } | undefined)?.text ?? '';

/**
 * Draws a chart as SVG, without a browser. The output is deterministic; ids differ between charts, so that one page can
 * hold several.
 */
export function renderSvg(
  option: ChartOption,
  { width, height }: { readonly width: number; readonly height: number },
): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({ ...option, animation: false });
    chart.setOption({ series: labelled(chart, option, true) });
    const drawn = chart
      .renderToSVGString()
      .replaceAll(forScripts, '')
      .replaceAll(style, (_, declarations: string) => asAttributes(declarations))
      .replaceAll(name, '');
    return (
      drawn
        .replaceAll(/(?<=="(?:url\()?#?)c(?=\d+\)?")/g, `c${hash(drawn)}-`)
        // A function, as a title may have `$&`.
        .replace('<svg ', () => `<svg role="img" aria-label="${escaped(titleOf(option))}" `)
    );
  } finally {
    chart.dispose();
  }
}
