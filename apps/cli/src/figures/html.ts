/**
 * One run, or several overlaid, as a single page that needs no server, no script and no network: open it from disk,
 * mail it, print it. Charts are SVG in the page, each with its numbers as a table; the words are computed from the
 * same numbers. A content security policy forbids the page to load anything, whatever the run's texts say.
 */
import {
  caution,
  chart,
  chartStyle,
  compareRuns,
  countedBy,
  escape,
  estimate,
  factsOf,
  inOrder,
  lastPart,
  letter,
  list,
  narrate,
  PANEL,
  type Panel,
  panelsOf,
  type Passage,
  rowsOf,
  RULE,
  type RunData,
  sampleOf,
  show,
  type Size,
  slugs,
  stagesText,
  tag,
  valueText,
} from '@ldyn/figures'
import { NOTES, sections } from './page-text.ts'
import { PAGE_STYLE } from './page-style.ts'

const table = (panel: Panel): string => {
  const head = [countedBy(panel.lines), 'stage', ...panel.lines.map(({ key }) => key)].map((name, i) =>
    tag('th', { scope: 'col', class: i === 1 ? 'name' : undefined }, escape(name)),
  )
  const body = rowsOf(panel).map(({ step, stage, values }) =>
    tag('tr', {}, [
      tag('th', { scope: 'row' }, String(step)),
      tag('td', { class: 'name' }, escape(stage)),
      ...values.map((value) =>
        tag(
          'td',
          {},
          value
            ? tag('data', { value: String(value.mean) }, escape(valueText(value)))
            : '<span aria-label="not recorded">·</span>',
        ),
      ),
    ]),
  )
  const bands = panel.lines.some(({ se }) => se) ? ', mean ± standard error over probes' : ''
  return tag(
    'div',
    { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': `Numbers of ${panel.title}` },
    tag('table', {}, [
      tag('caption', {}, escape(`${panel.title}: ${panel.unit}${bands}`)),
      tag('thead', {}, tag('tr', {}, head)),
      tag('tbody', {}, body),
    ]),
  )
}

const figureOf = (panel: Panel, wide?: Size): string => {
  const id = `chart-${panel.id}`
  return tag('figure', { id: `figure-${panel.id}`, class: wide ? 'lead' : undefined }, [
    tag('figcaption', {}, [
      tag('h3', {}, escape(panel.title)),
      tag('p', {}, escape([panel.says, panel.thinned].filter(Boolean).join(' '))),
    ]),
    // The same chart drawn for a wide and for a narrow page: scaling one would make the letters of either too small.
    wide ? chart(panel, wide, `${id}-wide`).replace('class="chart"', 'class="chart wide"') : '',
    chart(panel, PANEL, id),
    tag('details', {}, [tag('summary', {}, 'Numbers'), table(panel)]),
  ])
}

const passage = ({ title, sentences }: Passage): string =>
  tag('div', { class: 'card' }, [
    tag('h3', {}, escape(title)),
    tag(
      'dl',
      { class: 'said' },
      sentences.map(
        ({ about, text }) => `${tag('dt', {}, escape(about))}${tag('dd', {}, escape(unbroken(text)))}`,
      ),
    ),
  ])

/** A value stays on one line with its error. */
const unbroken = (text: string): string => text.replaceAll(' ± ', '\u00a0±\u00a0')

const factList = (facts: ReturnType<typeof factsOf>): string =>
  tag(
    'dl',
    { class: 'facts' },
    facts.map(([name, text]) =>
      tag('div', {}, `${tag('dt', {}, escape(name))}${tag('dd', {}, escape(text))}`),
    ),
  )

/** A heading for those who navigate by headings, where the eye needs none. */
const unseen = (text: string): string => tag('h2', { class: 'unseen' }, text)

/** What all runs have in common once, and what differs run by run. */
const factsOfAll = (runs: readonly RunData[]): string => {
  const all = runs.map(factsOf)
  const isCommon = ([name, text]: readonly [string, string]) =>
    all.every((facts) => facts.some(([n, t]) => n === name && t === text))
  const cards = runs.map((run, r) =>
    tag(
      'div',
      { class: 'card' },
      `${tag('h3', {}, escape(`${letter(r)} · ${stagesText(run)}`))}${factList(all[r].filter((fact) => !isCommon(fact)))}`,
    ),
  )
  return `${factList(all[0].filter(isCommon))}${unseen('Runs')}${tag('div', { class: 'run' }, cards)}`
}

const statusWords: Readonly<Record<string, string>> = {
  running: 'was still running, or was killed, when this page was made',
  failed: 'failed before its end',
  interrupted: 'was interrupted before its end',
}

const notices = (runs: readonly RunData[]): string =>
  runs
    .flatMap(({ manifest }) =>
      statusWords[manifest.status]
        ? [
            tag(
              'p',
              { class: 'notice' },
              escape(
                `The run ${manifest.id} ${statusWords[manifest.status]}. The page shows what is on file.`,
              ),
            ),
          ]
        : [],
    )
    .join('')

const typeTable = (runs: readonly RunData[]): string => {
  const all = inOrder([...new Set(runs.flatMap(({ types }) => types))])
  const [first] = runs
  const head = [
    'type',
    'in the paper',
    'what it is',
    'probes',
    'mean tokens',
    ...(runs.length === 1 ? ['log π, first', 'log π, last'] : []),
  ]
  const rows = all.map(({ key, symbol, says }) => {
    const sample = sampleOf(first, 'logp', key)
    const tokens =
      first.probes?.columns
        .filter((column) => column.type === key && column.tokens > 0)
        .map((column) => column.tokens) ?? []
    const logp = (e: number) => (sample ? show(estimate(sample.at.at(e)!).mean) : '·')
    return tag('tr', {}, [
      tag('th', { scope: 'row', class: 'name' }, tag('code', {}, escape(key))),
      tag('td', { class: 'name' }, escape(symbol)),
      tag('td', { class: 'prose' }, escape(says)),
      tag('td', {}, String(tokens.length)),
      tag('td', {}, tokens.length > 0 ? show(estimate(tokens).mean) : '·'),
      ...(runs.length === 1 ? [tag('td', {}, logp(0)), tag('td', {}, logp(-1))] : []),
    ])
  })
  return tag(
    'div',
    { class: 'scroll types', tabindex: '0', role: 'group', 'aria-label': 'Response types' },
    tag('table', {}, [
      tag(
        'thead',
        {},
        tag(
          'tr',
          {},
          head.map((name, i) => tag('th', { scope: 'col', class: i < 3 ? 'name' : undefined }, escape(name))),
        ),
      ),
      tag('tbody', {}, rows),
    ]),
  )
}

const section = (name: keyof typeof sections, panels: readonly Panel[]): string => {
  const shown = panels.filter((panel) => panel.section === name)
  if (shown.length === 0) return ''
  const { title, intro, fold } = sections[name]
  const inner = `${tag('p', { class: 'intro' }, escape(intro))}${tag(
    'div',
    { class: 'grid' },
    shown.map((panel) => figureOf(panel)),
  )}`
  return fold
    ? tag('details', { class: 'fold' }, `${tag('summary', {}, escape(title))}${inner}`)
    : tag('section', {}, `${tag('h2', {}, escape(title))}${inner}`)
}

const WIDE: Size = { width: 1150, height: 360 }
const HALF: Size = { width: 580, height: 300 }

export interface PageOptions {
  /** ISO 8601: when the page is made. */
  readonly made: string
  /** Version of ldyn. */
  readonly version: string
}

const headerOf = (runs: readonly RunData[]): { title: string; markup: string } => {
  const model = [...new Set(runs.map(({ manifest }) => lastPart(manifest.model.path)))].join(', ')
  if (runs.length === 1) {
    const title = `${stagesText(runs[0]) || 'run'} on ${model}`
    return { title, markup: `${tag('h1', {}, escape(title))}${notices(runs)}${factList(factsOf(runs[0]))}` }
  }
  const title = `${runs.map((run, r) => `${letter(r)} ${stagesText(run)}`).join(' against ')}, on ${model}`
  return { title, markup: `${tag('h1', {}, escape(title))}${notices(runs)}${factsOfAll(runs)}` }
}

/** The page. `runs` has one run or more; of several the first is the baseline. Throws RangeError for none. */
export const page = (runs: readonly RunData[], { made, version }: PageOptions): string => {
  if (runs.length === 0) throw new RangeError('a page needs a run')
  const drawn = panelsOf(runs)
  // From here on a panel's id is one that may stand in the page.
  const ids = slugs(drawn.map(({ id }) => id))
  const panels = drawn.map((panel, i) => ({ ...panel, id: ids[i] }))
  const { title, markup } = headerOf(runs)
  const overview = panels.filter((panel) => panel.section === 'overview')
  const many = runs.length > 1
  const passages = [
    ...compareRuns(runs),
    ...runs.flatMap((run, r) =>
      narrate(run).map((one) => (many ? { ...one, title: `${letter(r)} · ${one.title}` } : one)),
    ),
  ]
  const body = [
    tag(
      'header',
      {},
      `${tag('p', { class: 'kicker' }, 'Learning dynamics: how the log-probability of every kind of response moves while a model is finetuned')}${markup}`,
    ),
    overview.length > 0
      ? tag('section', {}, [
          unseen('Overview'),
          tag(
            'div',
            { class: many ? 'pair' : undefined },
            overview.map((panel) => figureOf(panel, many ? HALF : WIDE)),
          ),
        ])
      : '',
    tag('section', {}, [
      tag('h2', {}, 'What happened'),
      tag('p', { class: 'intro' }, 'Computed from the numbers on this page; nothing was written by hand.'),
      tag('div', { class: 'passages' }, passages.map(passage)),
      tag('p', { class: 'rule' }, escape([RULE, caution(runs)].filter(Boolean).join(' '))),
    ]),
    ...(Object.keys(sections) as (keyof typeof sections)[]).map((name) => section(name, panels)),
    runs.some((run) => run.probes)
      ? tag('section', {}, `${tag('h2', {}, 'Response types')}${typeTable(runs)}`)
      : '',
    tag(
      'section',
      {},
      `${tag('h2', {}, 'Signs and definitions')}${tag(
        'ul',
        { class: 'notes' },
        NOTES.map((note) => tag('li', {}, escape(note))),
      )}`,
    ),
    tag(
      'footer',
      {},
      escape(
        `Made ${made} by ldyn ${version} from ${list(runs.map(({ id }) => id))}. After Ren & Sutherland, ` +
          'Learning Dynamics of LLM Finetuning, ICLR 2025 (arXiv 2407.10490).',
      ),
    ),
  ].join('\n')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escape(title)} · ldyn</title>
<style>
${PAGE_STYLE}
${chartStyle()}
</style>
</head>
<body>
<main class="page">
${body}
</main>
</body>
</html>
`
}
