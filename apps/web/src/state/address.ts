// What one looks at, as the part of an address behind # (ux.md §5.0), so that any view can be sent:
// #/r/<run>[,<run>…]/ <page>?s=340&o=23. Each setting has a codec; defaults are left out; what is not
// understood is named, and the page opens without it.
import {
  escapeItem,
  flag,
  oneOf,
  pair,
  set,
  share,
  span,
  text,
  theme,
  unescapeItem,
  whole,
  word,
  words,
  type Codec,
} from './codecs.ts'

export const PAGES = ['overview', 'dynamics', 'probes', 'update', 'squeeze', 'kernel', 'compare', 'figures'] as const
export type Page = (typeof PAGES)[number]

/** What is shown where no run is: `#/` and `#/<place>`. */
export const PLACES = ['runs', 'lab'] as const
export type Place = (typeof PLACES)[number]

export type Spread = 'none' | 'se' | 'boot' | 'iqr' | 'range'
export type XAxis = 'step' | 'log'
/** What the horizontal axis counts. */
export const ALONGS = ['step', 'examples', 'tokens', 'wall'] as const
export type Along = (typeof ALONGS)[number]
/** What one curve is the mean of: responses of a type, of a kin of types, of one prompt, of like length. */
export const GROUPINGS = ['type', 'family', 'prompt', 'length'] as const
export type Grouping = (typeof GROUPINGS)[number]
/** What the list of runs is parted by. */
export const LIST_GROUPS = ['none', 'algo', 'model', 'state'] as const
export type ListGroup = (typeof LIST_GROUPS)[number]
/** How runs are compared: on one axis, side by side, or each less the baseline. */
export const MODES = ['overlay', 'side', 'minus'] as const
export type Mode = (typeof MODES)[number]

/** Which of C = A·K·G is drawn; how probes of a kernel are ordered, and what its entries are divided by. */
export const MATRICES = ['C', 'K', 'G', 'A'] as const
export type MatrixName = (typeof MATRICES)[number]
export const ORDERS = ['type', 'cluster', 'prompt'] as const
export type Order = (typeof ORDERS)[number]
export const NORMS = ['cosine', 'raw', 'trace'] as const
export type Norm = (typeof NORMS)[number]

/** Everything that a link restores. Preferences of the reader (theme, blurring) are no part of it. */
export interface View {
  /** Keys of runs; none is the list of runs. */
  readonly runs: readonly string[]
  readonly page: Page
  /** Which page without a run; 'runs', the list, wherever runs are open. */
  readonly place: Place
  /** Settings of the Lab as its address has them; what they mean, and which it knows, is the Lab's to say. */
  readonly lab: Readonly<Record<string, string>>
  /** The step that all panels show; undefined follows the last one. */
  readonly step: number | undefined
  /** The step compared with; undefined is the first. */
  readonly versus: number | undefined
  /** The probe in focus, the one pinned beside it, and the set selected (indices of probe rows). */
  readonly probe: number | undefined
  readonly pinned: number | undefined
  readonly selected: readonly number[]
  /** The response type in focus. */
  readonly type: string | undefined
  readonly metric: string
  readonly per: 'response' | 'token'
  readonly spread: Spread
  /** Curves as the change since `versus`. */
  readonly change: boolean
  /** Zoom on the step axis. */
  readonly zoom: readonly [number, number] | undefined
  readonly xAxis: XAxis
  readonly along: Along
  /** The vertical axis logarithmic, or where values are not positive, asinh. */
  readonly logY: boolean
  readonly grouping: Grouping
  /** Comparing: how, against which of the runs (its place), and whether runs that differ in their seed are one. */
  readonly mode: Mode
  readonly baseline: number | undefined
  readonly seeds: boolean
  /** Comparing: the stage whose start is 0 on the axis; '0' is each run's first update, undefined what fits them. */
  readonly alignAt: string | undefined
  /** What the list of runs is parted by. */
  readonly listBy: ListGroup
  /** Share of the past in an exponential moving average; 0 is none. */
  readonly smooth: number
  /** Response types that are not drawn. */
  readonly hidden: readonly string[]
  /** The recorded update in focus, by the step that it led to. */
  readonly update: number | undefined
  /** Steps of recorded updates that are summed up. */
  readonly range: readonly [number, number] | undefined
  readonly matrix: MatrixName
  /** The file of a token block, or the part of the model that a kernel is over. */
  readonly block: string | undefined
  readonly layer: string | undefined
  /** The cell of a map: its row and column. */
  readonly cell: readonly [number, number] | undefined
  readonly order: Order
  readonly norm: Norm
  /** The watched position of a response, by its token, and a token of the vocabulary that is followed there. */
  readonly position: number | undefined
  readonly token: number | undefined
  /** Panels shown as tables, and the one that fills the page. */
  readonly tables: readonly string[]
  readonly full: string | undefined
  /** Text that the list of runs or probes is filtered by. */
  readonly find: string
  readonly sort: string
  /** Without the shell around it, for an <iframe>: `full` is then the one panel that is shown, named `panel`. */
  readonly embed: boolean
  /** How wide figures for print are: as suits the window, one column of a page, two. */
  readonly sheet: 'auto' | 'one' | 'two'
  /** The theme that the address asks for: that of the page around an <iframe>. */
  readonly theme: 'light' | 'dark' | undefined
}

export const DEFAULTS: View = {
  runs: [],
  page: 'overview',
  place: 'runs',
  lab: {},
  step: undefined,
  versus: undefined,
  probe: undefined,
  pinned: undefined,
  selected: [],
  type: undefined,
  metric: 'logp',
  per: 'response',
  spread: 'se',
  change: false,
  zoom: undefined,
  xAxis: 'step',
  along: 'step',
  logY: false,
  grouping: 'type',
  mode: 'overlay',
  baseline: undefined,
  seeds: false,
  alignAt: undefined,
  listBy: 'none',
  smooth: 0,
  hidden: [],
  update: undefined,
  range: undefined,
  matrix: 'C',
  block: undefined,
  layer: undefined,
  cell: undefined,
  order: 'type',
  norm: 'cosine',
  position: undefined,
  token: undefined,
  tables: [],
  full: undefined,
  find: '',
  sort: '',
  embed: false,
  sheet: 'auto',
  theme: undefined,
}

type Settings = Omit<View, 'runs' | 'page' | 'place' | 'lab'>
/** The name of each setting in an address. */
const codecs: { readonly [K in keyof Settings]: readonly [name: string, codec: Codec<Settings[K]>] } = {
  step: ['s', whole],
  versus: ['vs', whole],
  probe: ['o', whole],
  pinned: ['pin', whole],
  selected: ['sel', set],
  type: ['y', word],
  metric: ['m', text(DEFAULTS.metric)],
  per: ['per', oneOf('response', 'token')],
  spread: ['band', oneOf<Spread>('se', 'none', 'boot', 'iqr', 'range')],
  change: ['d', flag],
  zoom: ['x', span],
  xAxis: ['xa', oneOf<XAxis>('step', 'log')],
  along: ['al', oneOf<Along>('step', ...ALONGS)],
  logY: ['ly', flag],
  grouping: ['g', oneOf<Grouping>('type', ...GROUPINGS)],
  mode: ['cm', oneOf<Mode>('overlay', ...MODES)],
  baseline: ['base', whole],
  seeds: ['seeds', flag],
  alignAt: ['at', word],
  listBy: ['rg', oneOf<ListGroup>('none', ...LIST_GROUPS)],
  smooth: ['sm', share],
  hidden: ['hide', words],
  update: ['u', whole],
  range: ['ur', span],
  matrix: ['mat', oneOf<MatrixName>('C', ...MATRICES)],
  block: ['blk', word],
  layer: ['part', word],
  cell: ['cell', pair],
  order: ['order', oneOf<Order>('type', ...ORDERS)],
  norm: ['norm', oneOf<Norm>('cosine', ...NORMS)],
  position: ['pos', whole],
  token: ['tok', whole],
  tables: ['t', words],
  full: ['full', word],
  find: ['q', text('')],
  sort: ['sort', text('')],
  embed: ['embed', flag],
  sheet: ['sheet', oneOf('auto', 'one', 'two')],
  theme: ['theme', theme],
}
/** What `full` is called beside `embed`. */
const PANEL = 'panel'
const keys = Object.keys(codecs) as readonly (keyof Settings)[]
/** What panels read wherever they are. At the Lab every other name is the Lab's own. */
const AT_LAB = ['step', 'zoom', 'hidden', 'change', 'spread', 'tables', 'full', 'find', 'embed', 'theme'] as const

// encodeURIComponent leaves nothing that a mail program cuts a link at; commas and ~ stay readable.
const encode = (part: string): string =>
  encodeURIComponent(part).replaceAll('%2C', ',').replaceAll('%2F', '/')

/** The address of a view, from # on. */
export const encodeView = (view: View): string => {
  const path =
    view.runs.length === 0
      ? `#/${view.place === 'runs' ? '' : view.place}`
      : `#/r/${view.runs.map(run => encodeURIComponent(escapeItem(run))).join(',')}/${view.page}`
  const atLab = view.runs.length === 0 && view.place === 'lab'
  const settings = (atLab ? AT_LAB : keys).flatMap(key => {
    const [name, codec] = codecs[key] as [string, Codec<unknown>]
    const value = codec.write(view[key])
    const called = key === 'full' && view.embed ? PANEL : name
    return value === undefined ? [] : [`${called}=${encode(value)}`]
  })
  const lab = atLab
    ? Object.entries(view.lab).map(([name, value]) => `${encode(name)}=${encode(value)}`)
    : []
  const query = [...lab, ...settings].join('&')
  return query === '' ? path : `${path}?${query}`
}

export interface Decoded {
  readonly view: View
  /** Parts of the address that this version does not know, as they were written. */
  readonly unknown: readonly string[]
}

const decodePart = (part: string): string | undefined => {
  try {
    return decodeURIComponent(part.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

/** The view of an address. Never throws: what it does not understand is listed and the default stands. */
export const decodeView = (hash: string): Decoded => {
  const [path, query = ''] = hash.replace(/^#/, '').split(/\?(.*)/s)
  const unknown: string[] = []
  const [, kind = '', runText = '', pageText = 'overview', ...rest] = path.split('/')
  let view: View = DEFAULTS
  if (kind === 'r' && runText !== '') {
    const runs = runText
      .split(',')
      .filter(Boolean)
      .flatMap(part => {
        const run = decodePart(part)
        if (run === undefined) unknown.push(part)
        return run === undefined ? [] : [unescapeItem(run)]
      })
    const page = PAGES.find(name => name === pageText)
    if (!page || rest.length > 0) unknown.push([pageText, ...rest].join('/'))
    view = { ...view, runs: [...new Set(runs)], page: page ?? 'overview' }
  } else if (path !== '' && path !== '/') {
    const place = PLACES.find(name => name !== 'runs' && path === `/${name}`)
    if (place) view = { ...view, place }
    else unknown.push(path)
  }
  for (const part of query.split('&').filter(Boolean)) {
    const [name, ...value] = part.split('=')
    const known = view.place === 'lab' ? AT_LAB : keys
    const key = name === PANEL ? 'full' : known.find(one => codecs[one][0] === name)
    const given = decodePart(value.join('='))
    const read = key && given !== undefined ? (codecs[key][1] as Codec<unknown>).read(given) : undefined
    if (key === undefined && view.place === 'lab' && name !== '' && given !== undefined)
      view = { ...view, lab: { ...view.lab, [name]: given } }
    else if (key === undefined || read === undefined) unknown.push(part)
    else view = { ...view, [key]: read }
  }
  return { view, unknown }
}
