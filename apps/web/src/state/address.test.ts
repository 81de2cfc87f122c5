import { describe, expect, it } from 'vitest'
import { DEFAULTS, decodeView, encodeView, PAGES, type View } from './address.ts'

const full: View = {
  runs: ['demo/baseline', 'a,b ~1 ü?#%'],
  page: 'dynamics',
  place: 'runs',
  lab: {},
  step: 340,
  versus: 0,
  probe: 23,
  pinned: 4,
  selected: [0, 1, 2, 7, 9, 10],
  type: 'chosen',
  metric: 'argmax_logp',
  per: 'token',
  spread: 'iqr',
  change: true,
  zoom: [0, 600.5],
  xAxis: 'log',
  along: 'wall',
  logY: true,
  grouping: 'prompt',
  mode: 'minus',
  baseline: 2,
  seeds: true,
  alignAt: 'dpo',
  listBy: 'model',
  smooth: 0.9,
  hidden: ['irr_hum', 'x,y'],
  update: 120,
  range: [8, 40],
  matrix: 'K',
  block: 'kernel/tokens-000040-u3-o0-chosen.safetensors',
  layer: '3.mlp',
  cell: [4, 9],
  order: 'cluster',
  norm: 'trace',
  position: 3,
  token: 421,
  tables: ['dynamics'],
  full: 'dynamics',
  find: 'lock & key = 100% "quoted"',
  sort: '-delta',
  embed: true,
  sheet: 'one',
  theme: 'dark',
}

describe('an address', () => {
  it('gives back every setting of the view that it was made from', () => {
    expect(decodeView(encodeView(full))).toEqual({ view: full, unknown: [] })
    for (const page of PAGES) {
      const view = { ...DEFAULTS, runs: ['r'], page }
      expect(decodeView(encodeView(view)).view).toEqual(view)
    }
  })

  it('leaves defaults out', () => {
    expect(encodeView(DEFAULTS)).toBe('#/')
    expect(encodeView({ ...DEFAULTS, runs: ['dpo-a3f9'], page: 'dynamics', step: 340 })).toBe(
      '#/r/dpo-a3f9/dynamics?s=340',
    )
  })

  it('writes neighbouring probes as ranges', () => {
    expect(encodeView({ ...DEFAULTS, runs: ['r'], selected: [4, 3, 2, 9] })).toBe('#/r/r/overview?sel=2-4.9')
  })

  it('names what it does not understand, and keeps the rest', () => {
    const { view, unknown } = decodeView(
      '#/r/a3f9/dynamics?band=foo&s=12&colour=red&s2&o=-1&x=9~3&sel=1-99999999',
    )
    expect(view).toEqual({ ...DEFAULTS, runs: ['a3f9'], page: 'dynamics', step: 12 })
    expect(unknown).toEqual(['band=foo', 'colour=red', 's2', 'o=-1', 'x=9~3', 'sel=1-99999999'])
    expect(decodeView('#/r/a/nowhere').unknown).toEqual(['nowhere'])
    expect(decodeView('#/elsewhere').unknown).toEqual(['/elsewhere'])
  })

  it.each([
    '',
    '#',
    '#/',
    '#?',
    '#/r',
    '#/r/',
    '#/r/%E0%A4%A/dynamics',
    '#/r/a?%E0%A4%A=1',
    '#////',
    `#/${'r/'.repeat(500)}`,
  ])('opens with "%s"', hash => {
    const { view } = decodeView(hash)
    expect(PAGES).toContain(view.page)
  })

  it('calls the panel of an <iframe> its panel', () => {
    const view = { ...DEFAULTS, runs: ['a'], full: 'moved', embed: true, theme: 'dark' as const }
    expect(encodeView(view)).toBe('#/r/a/overview?panel=moved&embed=1&theme=dark')
    expect(decodeView('#/r/a/overview?embed=1&panel=moved&theme=dark')).toEqual({ view, unknown: [] })
  })

  it('leads to a place without a run', () => {
    const { view, unknown } = decodeView('#/lab?q=x')
    expect(view).toMatchObject({ runs: [], place: 'lab', find: 'x' })
    expect(unknown).toEqual([])
    expect(encodeView(view)).toBe('#/lab?q=x')
    expect(decodeView('#/nowhere')).toMatchObject({ view: { place: 'runs' }, unknown: ['/nowhere'] })
  })

  it('hands the Lab its own settings, beside those that panels have everywhere', () => {
    const { view, unknown } = decodeView('#/lab?sim=race&lr=.5&t=bars')
    expect(view).toMatchObject({ place: 'lab', lab: { sim: 'race', lr: '.5' }, tables: ['bars'] })
    expect(unknown).toEqual([])
    expect(encodeView(view)).toBe('#/lab?sim=race&lr=.5&t=bars')
    expect(encodeView({ ...view, runs: ['a'], page: 'dynamics' })).toBe('#/r/a/dynamics?t=bars')
    expect(decodeView('#/?lr=.5').unknown).toEqual(['lr=.5'])
    // A name that a setting of runs has elsewhere is the Lab's there.
    expect(decodeView('#/lab?base=10&y=1').view).toMatchObject({ baseline: undefined, lab: { base: '10', y: '1' } })
  })
})
