/** The look of report.html; no file or font from elsewhere. */
export const style = `
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: #f5f7fa; color: #1f2933; line-height: 1.5;
  font: 15px/1.5 Inter, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
main { max-width: 1060px; margin: 0 auto; padding: 28px 20px 60px; }
header h1 { font-size: 26px; margin: 0 0 2px; }
header p { margin: 0; color: #616e7c; }
section, details.card { background: #fff; border: 1px solid #e4e7eb; border-radius: 10px; padding: 18px 22px; margin-top: 18px; }
h2 { font-size: 18px; margin: 0 0 10px; }
h3 { font-size: 14px; margin: 18px 0 6px; color: #3e4c59; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin-top: 18px; }
.tile { background: #fff; border: 1px solid #e4e7eb; border-radius: 10px; padding: 12px 16px; }
.tile b { display: block; font-size: 22px; font-weight: 650; }
.tile span { color: #616e7c; font-size: 13px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th, td { text-align: left; padding: 6px 10px; border-bottom: 1px solid #e4e7eb; white-space: nowrap; }
th { color: #616e7c; font-weight: 600; }
tbody tr:last-child td { border-bottom: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.note { color: #616e7c; font-size: 13px; margin: 8px 0 0; }
.tag { display: inline-block; border-radius: 4px; padding: 0 6px; font-size: 12px; background: #e4e7eb; color: #3e4c59; }
.tag.measured { background: #d3f9d8; color: #1b5e20; }
.tag.predicted { background: #fff3bf; color: #7a4f01; }
.tag.failed { background: #ffe3e3; color: #9b1c1c; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 0; font-size: 13.5px; }
dt { color: #616e7c; }
dd { margin: 0; overflow-wrap: anywhere; }
svg { max-width: 100%; height: auto; }
summary { cursor: pointer; font-weight: 600; }
details.card summary span { color: #616e7c; font-weight: 400; margin-left: 10px; }
details.card[open] summary { margin-bottom: 12px; }
pre { background: #f5f7fa; border-radius: 6px; padding: 12px; overflow-x: auto; font-size: 12.5px; line-height: 1.45; }
a { color: #1864ab; }
@media print { body { background: #fff; } section, details.card, .tile { break-inside: avoid; } }
`;
