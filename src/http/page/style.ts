/** How the pages look: one sheet inside each page, without a picture, a font or anything else to load. */

export const STYLE: string = compact(`
:root {
  color-scheme: light dark;
  --paper: #fbfbfa; --card: #fff; --line: #e2e2df; --ink: #1d1f21; --soft: #5c6166;
  --ok: #1a7a3f; --warn: #8f5a00; --bad: #b3261e; --mark: #2563a8; --track: #e9e9e6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171a; --card: #1c1f23; --line: #33373d; --ink: #e4e6e8; --soft: #a3a9b0;
    --ok: #5fc98a; --warn: #e2ae4e; --bad: #ff8a80; --mark: #7db4f0; --track: #30343a;
  }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
header, main, footer { max-width: 72rem; margin: 0 auto; padding: .75rem 1.25rem }
header, footer { color: var(--soft); font-size: .85rem; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem }
header { padding-top: 1.25rem }
header b { color: var(--ink) }
header > :last-child { margin-left: auto }
main { padding-block: 0 }
section { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .9rem 1.1rem; margin: 0 0 1rem; overflow-x: auto }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem }
h2 { font-size: 1rem; margin: 0 0 .5rem }
h2 small { color: var(--soft); font-weight: normal; margin-left: .5rem }
h3 { font-size: .9rem; margin: .8rem 0 .3rem }
p { margin: .3rem 0 }
ul { margin: .5rem 0 0; padding-left: 1.2rem }
a { color: var(--mark) }
code { font: .9em ui-monospace, monospace }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { text-align: left; vertical-align: baseline; padding: .3rem .9rem .3rem 0; border-top: 1px solid var(--line) }
thead th { border: 0; padding-top: 0; color: var(--soft); font-size: .78rem; font-weight: normal; white-space: nowrap }
tbody th { font-weight: 600; min-width: 9rem }
tbody th, .wide { overflow-wrap: anywhere }
td:last-child, th:last-child { padding-right: 0 }
time { white-space: nowrap }
.soft, .more { color: var(--soft) }
.more { font-size: .85rem }
.ok { color: var(--ok) }
.warn { color: var(--warn) }
.bad { color: var(--bad) }
.tag { font-size: .75rem; font-weight: normal; color: var(--mark); border: 1px solid; border-radius: 1rem; padding: 0 .45rem; margin-left: .4rem; white-space: nowrap }
.use { white-space: nowrap }
.bar { display: block; width: 6rem; height: 5px; margin-top: 3px; border-radius: 3px; background: var(--track); fill: var(--ok) }
.bar.warn { fill: var(--warn) }
.bar.bad { fill: var(--bad) }
.day { display: block; width: 9rem; height: 14px; border-radius: 3px; background: var(--track); fill: var(--mark) }
.day .hit { fill: var(--bad) }
dl { margin: 0; display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem }
dt { color: var(--soft) }
dd { margin: 0; overflow-wrap: anywhere }
pre { margin: 0; padding: .7rem; overflow: auto; border-radius: .3rem; background: var(--paper); border: 1px solid var(--line); font: .8rem/1.35 ui-monospace, monospace }
@media (max-width: 42rem) {
  header, main, footer { padding-inline: .7rem }
  section { padding: .7rem .8rem }
  thead { display: none }
  tr { display: flex; flex-wrap: wrap; gap: 0 .9rem; padding: .4rem 0; border-top: 1px solid var(--line) }
  tbody tr:first-child { border: 0 }
  th, td { border: 0; padding: .05rem 0 }
  td:empty { display: none }
  tbody th, .wide { flex: 0 0 100% }
  tbody th { order: -1 }
  td[data-is]::before { content: attr(data-is) " "; color: var(--soft); font-size: .78rem }
  .day { width: 100%; min-width: 12rem }
  dl { grid-template-columns: 1fr; gap: 0 }
  dd { margin-bottom: .4rem }
}
`);

function compact(sheet: string): string {
  return sheet
    .trim()
    .replace(/\s*([{};,>])\s*/g, '$1')
    .replace(/:\s+/g, ':')
    .replace(/;}/g, '}');
}
