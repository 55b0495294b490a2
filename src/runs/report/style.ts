/** @file The look of a report: light, dark and printed, with one palette for every series. */

/** The style sheet. */
export const STYLE = `
:root { color-scheme: light dark; --paper:#fbfaf7; --card:#ffffff; --ink:#1d1b19; --soft:#5f5a54; --line:#e3dfd7; --accent:#0b6e6e; --bad:#b3261e;
  --s0:#0b7285; --s1:#c2410c; --s2:#6d28d9; --s3:#4d7c0f; --s4:#be185d; --s5:#8a6100; --heat:11,114,133; }
@media (prefers-color-scheme: dark) { :root { --paper:#141517; --card:#1c1e21; --ink:#eceae6; --soft:#a8a39b; --line:#33363b; --accent:#5fd0c5; --bad:#ff8a80;
  --s0:#4fc3d9; --s1:#ff9d66; --s2:#b69cff; --s3:#a4d65e; --s4:#ff8cbf; --s5:#e6c05c; --heat:79,195,217; } }
* { box-sizing: border-box; }
body { margin:0; background:var(--paper); color:var(--ink); font:15px/1.5 system-ui,sans-serif; font-variant-numeric:tabular-nums; }
main, header.top, nav.parts { max-width:1180px; margin:0 auto; padding:0 20px; }
header.top { padding-top:28px; }
.mark { display:flex; align-items:center; gap:9px; color:var(--soft); font-size:14px; }
.mark svg { width:22px; height:22px; }
h1 { font-size:30px; line-height:1.2; margin:6px 0 4px; letter-spacing:-.015em; overflow-wrap:anywhere; }
h2 { font-size:19px; margin:40px 0 12px; letter-spacing:-.01em; }
.lead { color:var(--soft); margin:0; overflow-wrap:anywhere; }
.badge { display:inline-block; padding:1px 9px; border-radius:99px; border:1px solid currentColor; font-size:13px; color:var(--accent); }
.badge.interrupted, .badge.unreadable { color:var(--bad); }
.tiles { display:grid; grid-template-columns:repeat(auto-fit,minmax(128px,1fr)); gap:12px; margin:20px 0 4px; }
.tile { background:var(--card); border:1px solid var(--line); border-radius:10px; padding:12px 14px; }
.tile b { display:block; font-size:19px; line-height:1.25; font-weight:620; letter-spacing:-.01em; overflow-wrap:anywhere; }
.tile span { color:var(--soft); font-size:13px; }
nav.parts { display:flex; flex-wrap:wrap; gap:4px 16px; margin-top:14px; font-size:14px; }
a { color:var(--accent); }
.grid2 { display:grid; grid-template-columns:repeat(auto-fit,minmax(min(100%,430px),1fr)); gap:16px; align-items:start; }
figure, .card { margin:0; background:var(--card); border:1px solid var(--line); border-radius:10px; padding:14px 16px; min-width:0; }
.scroll { overflow-x:auto; }
figcaption { display:flex; flex-wrap:wrap; gap:4px 14px; align-items:baseline; font-size:14px; }
.key { color:var(--soft); font-size:13px; display:inline-flex; align-items:center; gap:6px; }
.key i { width:14px; height:3px; border-radius:2px; background:currentColor; }
svg { display:block; width:100%; height:auto; }
a:focus-visible, summary:focus-visible, .scroll:focus-visible, svg:focus-visible { outline:2px solid var(--accent); outline-offset:2px; border-radius:4px; }
.grid { stroke:var(--line); stroke-width:1; } .tick { fill:var(--soft); font-size:12px; } .rule { stroke:var(--soft); stroke-dasharray:3 3; }
.line { fill:none; stroke:currentColor; stroke-width:2; stroke-linejoin:round; } .band { fill:currentColor; opacity:.16; } .dot { fill:currentColor; }
.s0{color:var(--s0)} .s1{color:var(--s1)} .s2{color:var(--s2)} .s3{color:var(--s3)} .s4{color:var(--s4)} .s5{color:var(--s5)}
.readout { margin:4px 0 0; min-height:1.5em; font-size:13px; color:var(--soft); }
details { font-size:13px; } summary { cursor:pointer; color:var(--soft); }
table { border-collapse:collapse; font-size:14px; width:100%; } caption { text-align:left; color:var(--soft); font-size:13px; padding:4px 0; }
th, td { text-align:left; padding:4px 10px 4px 0; border-bottom:1px solid var(--line); vertical-align:top; overflow-wrap:anywhere; }
th { font-weight:550; } tbody th[scope=row] { min-width:min(13em,36vw); } td.n, th.n { text-align:right; white-space:nowrap; overflow-wrap:normal; }
.bar { display:block; height:9px; min-width:110px; border-radius:5px; background:var(--line); overflow:hidden; margin-top:6px; } .bar i { display:block; height:100%; background:var(--s0); }
table.matrix { width:auto; font-size:12px; } table.matrix td, table.matrix th { border:1px solid var(--card); padding:0 5px; text-align:center; min-width:30px; height:28px; vertical-align:middle; white-space:nowrap; }
table.matrix th { max-width:110px; overflow:hidden; text-overflow:ellipsis; font-weight:500; } table.matrix tbody th { text-align:right; min-width:0; }
.pictures { display:grid; grid-template-columns:repeat(auto-fill,minmax(118px,1fr)); gap:12px; padding:0; margin:0; list-style:none; }
.pictures li { background:var(--card); border:1px solid var(--line); border-radius:10px; padding:8px; font-size:13px; line-height:1.35; overflow-wrap:anywhere; }
.pictures img { width:100%; aspect-ratio:1; object-fit:contain; image-rendering:pixelated; background:var(--paper); border-radius:6px; display:block; margin-bottom:6px; }
.legend { display:flex; flex-wrap:wrap; gap:4px 16px; margin:0 0 12px; } .key i.colour { width:14px; height:14px; border-radius:3px; border:1px solid var(--line); }
.triples { grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr)); } .triple { display:grid; grid-template-columns:repeat(3,1fr); gap:8px; }
.triple figure { border:0; padding:0; } .triple img { margin-bottom:2px; } .triple figcaption { font-size:12px; color:var(--soft); justify-content:center; }
.wrong { color:var(--bad); } .soft, .none { color:var(--soft); }
code { font-family:ui-monospace,monospace; font-size:.92em; color:var(--ink); overflow-wrap:anywhere; } .none { background:var(--card); border:1px dashed var(--line); border-radius:10px; padding:12px 16px; margin:0; }
footer { color:var(--soft); font-size:13px; margin:48px 0 40px; }
@media (max-width:560px) { main, header.top, nav.parts { padding-left:14px; padding-right:14px; } h1 { font-size:25px; } .tick { font-size:17px; } table .bar { display:none; } td:has(> .bar) { padding:0; } }
@media print { :root { color-scheme:light; } nav.parts, .readout { display:none; } figure, .card, li, tr { break-inside:avoid; } h2 { break-after:avoid; } body { font-size:12px; } }
`;

/** Three simple eyes: the mark of the project. */
export const MARK =
  '<svg viewBox="0 0 24 24" aria-hidden="true"><g fill="none" stroke="var(--accent)" stroke-width="2"><circle cx="12" cy="6.5" r="4"/><circle cx="6.5" cy="16.5" r="4"/><circle cx="17.5" cy="16.5" r="4"/></g><g fill="var(--accent)"><circle cx="12" cy="6.5" r="1.5"/><circle cx="6.5" cy="16.5" r="1.5"/><circle cx="17.5" cy="16.5" r="1.5"/></g></svg>';
