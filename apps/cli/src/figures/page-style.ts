/**
 * The style sheet of the exported page: one column on a phone, a grid on a desk, dark where the screen is, black on
 * white on paper. No fonts, images or scripts are fetched, so there is nothing to wait for and nothing to leak.
 */

export const PAGE_STYLE = `
:root{color-scheme:light dark;--paper:#f6f7f9;--card:#fff;--ink:#1d2430;--muted:#5b6472;--line:#e1e5ea;--accent:#0072b2;--soft:#eef2f6}
@media screen and (prefers-color-scheme:dark){:root{--paper:#0f1115;--card:#14171d;--ink:#e6e9ef;--muted:#a3acba;--line:#272d37;--accent:#56b4e9;--soft:#1b2028}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
.page{max-width:1280px;margin:0 auto;padding:2rem 1.5rem 3rem}
h1,h2,h3{line-height:1.25;text-wrap:balance;overflow-wrap:anywhere}
h1{font-size:1.8rem;font-weight:650;letter-spacing:-.01em;margin:.15rem 0 .4rem}
h2{font-size:1.2rem;font-weight:650;margin:2.75rem 0 .35rem}
h3{font-size:1rem;font-weight:650;margin:0}
p{margin:.3rem 0}
.unseen{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.kicker{color:var(--muted);font-size:.875rem;margin:0}
.intro{color:var(--muted);max-width:46rem;margin:0 0 1rem;font-size:.95rem}
.notice{border-left:3px solid #d55e00;background:var(--soft);padding:.5rem .8rem;border-radius:0 6px 6px 0;max-width:60rem}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(13.5rem,1fr));gap:.7rem 1.5rem;margin:1.1rem 0 1.4rem;padding:0}
.facts dt,.run dt{color:var(--muted);font-size:.78rem}
.facts dd{margin:0;font-size:.925rem;overflow-wrap:anywhere}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,22rem),1fr));gap:1rem}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr));gap:1rem}
figure,.card{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1rem 1.1rem;min-width:0}
figure{display:flex;flex-direction:column}
figcaption p{color:var(--muted);font-size:.84rem;line-height:1.45;margin:.2rem 0 .7rem}
figure>svg{margin-top:auto}
svg.chart{display:block;width:100%;height:auto;overflow:visible}
svg.chart.wide{display:none}
@media (min-width:900px){.lead svg.chart.wide{display:block}.lead svg.chart.wide+svg.chart{display:none}}
.passages{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr));gap:1rem;align-items:start}
.said{margin:.7rem 0 0;display:grid;grid-template-columns:8.2rem minmax(0,1fr);gap:.55rem .9rem;font-size:.925rem;line-height:1.5}
.said dt{color:var(--muted);font-size:.84rem;padding-top:.08rem;overflow-wrap:anywhere}
.said dd{margin:0}
.rule{color:var(--muted);font-size:.84rem;max-width:60rem;margin-top:.8rem}
details{margin-top:.6rem;font-size:.84rem}
summary{cursor:pointer;color:var(--muted);width:max-content;max-width:100%;border-radius:4px}
summary:hover{color:var(--ink)}
summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.fold>summary{font-size:1.2rem;font-weight:650;color:var(--ink);margin:2.75rem 0 .35rem}
.scroll{overflow:auto;max-height:22rem;margin-top:.5rem;border:1px solid var(--line);border-radius:6px}
table{border-collapse:collapse;width:100%;font-size:.8rem;white-space:nowrap}
caption{position:sticky;left:0;white-space:normal;text-align:left;color:var(--muted);padding:.4rem .6rem}
th,td{padding:.28rem .6rem;text-align:right;border-top:1px solid var(--line)}
thead th{position:sticky;top:0;background:var(--soft);border-top:0;font-weight:600}
th.name,td.name{text-align:left}
td.prose{text-align:left;white-space:normal;min-width:14rem}
.types{border:1px solid var(--line);border-radius:10px;background:var(--card);max-height:none}
.types table{font-size:.86rem}
.notes{max-width:60rem;padding-left:1.1rem;font-size:.925rem}
.notes li{margin:.35rem 0}
code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
footer{margin-top:3rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--muted);font-size:.84rem}
.run{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1rem;margin:1.1rem 0 1.4rem}
.run h3{margin-bottom:.5rem}
.run .facts{margin:.2rem 0 0;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr))}
@media (max-width:600px){.page{padding:1.25rem .9rem 2rem}h1{font-size:1.45rem}figure,.card{padding:.85rem .8rem}.said{grid-template-columns:1fr;gap:.1rem}.said dd{margin-bottom:.6rem}.facts{grid-template-columns:1fr 1fr;gap:.6rem 1rem}}
@media print{body{background:#fff;font-size:10pt}.page{max-width:none;padding:0}figure,.card{break-inside:avoid;border-color:#ccc}.grid{grid-template-columns:1fr 1fr}details:not(.fold){display:none}}
`.trim()
