import { describe, expect, it } from 'vitest'
import { extendMoves, paperMoves, syntheticData } from '../../../../../packages/figures/test/synthetic-run.ts'
import type { LiveData } from '../../data/live-run.ts'
import { atOnce } from '../../data/sliced.ts'
import { csvOf } from '../../panels/panel.ts'
import { paperCsv } from '@ldyn/figures/paper'
import {
  countText,
  drawFigures,
  drawnOf,
  figuresKey,
  idOf,
  sheetOf,
  tableOf,
  withOrigin,
  type DrawnFigure,
} from './models.ts'

const live = async (options: Parameters<typeof syntheticData>[0]): Promise<LiveData> =>
  ({
    ...(await syntheticData(options)),
    events: [],
    updates: [],
    version: 1,
  }) as unknown as LiveData

const all = (runs: readonly LiveData[]): readonly DrawnFigure[] => atOnce(drawFigures(runs))!

describe('the gallery of figures', () => {
  it('of one run has what it can draw, and the rest by what they need', async () => {
    const drawn = all([await live({ moves: paperMoves })])
    expect(drawn.map(({ figure, svg }) => [figure.id, svg !== undefined])).toEqual([
      ['fig1', true],
      ['fig3', true],
      ['fig4', true],
      ['fig5', false],
      ['fig8', true],
      ['fig9', true],
      ['appE', false],
    ])
    expect(countText(drawn, 1)).toBe(
      '5 of 7 figures can be drawn from this run; the others say what they need.',
    )
    expect(drawn.filter(({ svg }) => svg === undefined).every(({ figure }) => figure.lacks[0].command)).toBe(
      true,
    )
  })

  it('has in the place of a figure that cannot be drawn why, and its other figures', async () => {
    const [{ figure }] = all([await live({ moves: paperMoves })])
    const [panel] = figure.panels
    const broken = { ...figure, panels: [{ ...panel, kind: 'curves', curves: [] }] } as unknown as typeof figure
    const { svg, figure: told } = drawnOf(broken)
    expect(svg).toBeUndefined()
    expect(told.lacks[0].what).toBe('It could not be drawn: an axis needs finite values.')
    expect(drawnOf(figure).svg).toBeDefined()
  })

  it('of two runs compares them, with a panel of its own for each figure', async () => {
    const drawn = all([
      await live({ id: 'a', moves: paperMoves }),
      await live({ id: 'b', moves: extendMoves }),
    ])
    const ids = drawn.map(({ figure }) => idOf(figure))
    expect(ids).toContain('paper-fig5')
    expect(new Set(ids).size).toBe(ids.length)
    expect(drawn.find(({ figure }) => figure.id === 'fig5')?.svg).toMatchObject({
      one: expect.stringContaining('85mm'),
      two: expect.stringContaining('174mm'),
    })
  })

  it('has one table for the page and for the file', async () => {
    const [{ figure }] = all([await live({ moves: paperMoves })])
    expect(csvOf(tableOf(figure))).toBe(paperCsv(figure))
  })

  it('is made anew with an evaluation and not with the log', async () => {
    const run = await live({})
    expect(figuresKey([{ ...run, version: 2, scalars: new Map() }])).toBe(figuresKey([run]))
    expect(figuresKey([{ ...run, evaluations: run.evaluations.slice(1) }])).not.toBe(figuresKey([run]))
  })

  it('is drawn for one column where the window is narrow, unless told', () => {
    expect([sheetOf('auto', 390), sheetOf('auto', 1280), sheetOf('two', 390), sheetOf('one', 1280)]).toEqual([
      'one',
      'two',
      'two',
      'one',
    ])
  })

  it('says in a saved picture where it comes from, as text', () => {
    expect(withOrigin('<svg></svg>\n', 'a <b>')).toBe('<svg><metadata>a &lt;b&gt;</metadata></svg>\n')
    expect(withOrigin('<svg></svg>\n', undefined)).toBe('<svg></svg>\n')
  })
})
