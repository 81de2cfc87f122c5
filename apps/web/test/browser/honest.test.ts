// What a canvas shows is what its table, its file and its cursor say (ux.md §4.2, R11). Every panel of every screen is
// asked, not a list by hand: a new panel is under test when it is on a screen.
import { readFile } from 'node:fs/promises'
import { show } from '@ldyn/figures'
import type { Download, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ColourScale } from '../../src/drawing/colour.ts'
import { scaleFor } from '../../src/drawing/colour-limits.ts'
import { paint, wholeOf } from '../../src/drawing/heat-map.ts'
import { screens } from '../../src/screens/index.ts'
import { makeRunSet, type RunSet } from '../run-set.ts'
import { hashOf, openStage, settled, withoutBrowser, type Stage } from './viewer.ts'

const reason = withoutBrowser()
const TALL = { viewport: { width: 1280, height: 4000 } }
const addressOf = (page: string): string => `#/r/${page === 'compare' ? 'full,second' : 'full'}/${page}`

type Cells = readonly (readonly string[])[]

/** RFC 4180. */
const rowsOfCsv = (text: string): Cells => {
  const rows: string[][] = [['']]
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const row = rows.at(-1)!
    const [letter, end] = [text[i], row.length - 1]
    if (quoted && letter === '"' && text[i + 1] === '"') row[end] += text[++i]
    else if (letter === '"') quoted = !quoted
    else if (letter === ',' && !quoted) row.push('')
    else if (letter === '\n' && !quoted) rows.push([''])
    else row[end] += letter
  }
  return rows.slice(0, -1)
}

/** A number as tables print it; text stays text. */
const printed = (cell: string): string => {
  if (cell === '') return '–'
  const value = Number(cell)
  if (!/^-?[\d.]+(e[+-]?\d+)?$/i.test(cell) || !Number.isFinite(value)) return cell.trim().replace(/\s+/g, ' ')
  return (Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)))).replaceAll('-', '−')
}

describe.skipIf(reason !== undefined)(`every panel ${reason ?? ''}`, () => {
  let [stage, set]: [Stage, RunSet] = [undefined!, undefined!]
  beforeAll(async () => {
    stage = await openStage()
    set = await makeRunSet(stage.runs, ['full', 'second'])
  })
  afterAll(async () => {
    await set?.[Symbol.asyncDispose]()
    await stage?.[Symbol.asyncDispose]()
  })

  const panelsOf = (page: Page, kind: string): Promise<string[]> =>
    page
      .locator(`figure.panel[data-panel]${kind}`)
      .evaluateAll(found => found.map(panel => (panel as HTMLElement).dataset.panel!))
  const save = async (page: Page, panel: string, name: string): Promise<string> => {
    const menu = page.locator(`#panel-${panel} details.menu`)
    if ((await menu.getAttribute('open')) === null) await menu.locator('summary').click()
    const waiting: Promise<Download> = page.waitForEvent('download')
    await menu.locator('button', { hasText: name }).first().click()
    const text = await readFile(await (await waiting).path(), 'utf8')
    if ((await menu.getAttribute('open')) !== null) await menu.locator('summary').click()
    return text
  }
  const showTable = (page: Page, panel: string): Promise<void> =>
    page.locator(`#panel-${panel} .actions button[title^="Show as a table"]`).click()
  const rowsOfTable = (page: Page, panel: string): Promise<string[][]> =>
    page
      .locator(`#panel-${panel} .table-view tr`)
      .evaluateAll(rows => rows.map(row => [...row.children].map(cell => cell.textContent!.trim().replace(/\s+/g, ' '))))

  describe.each(screens.map(({ page }) => page))('of %s', name => {
    it('has a table twin, and a CSV and a JSON file with the same cells', async () => {
      await using opened = await stage.open(addressOf(name), TALL)
      const { page } = opened
      await settled(page)
      const panels = await panelsOf(page, ':is(.curves, .drawn)')
      expect(panels.length).toBeGreaterThan(0)
      for (const panel of panels) {
        const [head, ...rows] = rowsOfCsv(await save(page, panel, 'CSV'))
        const json = JSON.parse(await save(page, panel, 'JSON')) as { head: string[]; rows: unknown[][] }
        expect.soft(json.head, panel).toEqual(head)
        expect.soft(json.rows.map(row => row.map(cell => String(cell ?? ''))), panel).toEqual(rows)
        await showTable(page, panel)
        await page.locator(`#panel-${panel} .table-view`).waitFor()
        const [shownHead, ...shownRows] = await rowsOfTable(page, panel)
        expect.soft(shownHead, panel).toEqual(head.map(cell => cell.trim().replace(/\s+/g, ' ')))
        expect.soft(shownRows, panel).toEqual(rows.slice(0, shownRows.length).map(row => row.map(printed)))
        expect.soft(shownRows.length, `${panel} shows rows`).toBe(Math.min(25, rows.length))
        await showTable(page, panel)
      }
      expect(opened.complaints).toEqual([])
    })

    it('says at its cursor what its table holds there, and saves the window that is drawn', async () => {
      await using opened = await stage.open(addressOf(name), TALL)
      const { page } = opened
      await settled(page)
      for (const panel of await panelsOf(page, '.curves')) {
        const [, ...before] = rowsOfCsv(await save(page, panel, 'CSV'))
        const steps = [...new Set(before.map(([step]) => Number(step)))].sort((a, b) => a - b)
        if (steps.length < 2) continue
        await page.focus(`#panel-${panel} .curves`)
        await page.keyboard.press('Home')
        await page.keyboard.press('ArrowRight')
        // Some figures choose their lines by the step.
        await page.waitForFunction(step => location.hash.includes(`s=${step}`), steps[1])
        await settled(page)
        const [head, ...rows] = rowsOfCsv(await save(page, panel, 'CSV'))
        await page.focus(`#panel-${panel} .curves`)
        await page.keyboard.press('ArrowLeft')
        await page.keyboard.press('ArrowRight')
        // The first line: its value at that step, in the last row of the step (a stage may end where the next begins).
        const at = rows.findLast(([step, , value]) => Number(step) === steps[1] && value !== '')
        if (at) {
          const error = head[3]?.endsWith('± se') ? Number(at[3]) : 0
          const rounding = Math.abs(Number(at[2])) * 0.01 + error / 2
          const isRight = (text: string): boolean =>
            text.startsWith(`step ${steps[1]},`) &&
            text.includes(head[2]) &&
            Math.abs(numberBehind(text, head[2]) - Number(at[2])) <= rounding
          // What the panel before said stands there until this one speaks.
          expect.soft(await saidOn(page, isRight), `${panel}: ${head[2]} is ${at[2]} there`).toSatisfy(isRight)
        }
        // A window that the keys make: its file is what lies in it.
        await page.keyboard.press('+')
        await page.waitForFunction(() => location.hash.includes('x='))
        await settled(page)
        const [, from, to] = /[?&]x=(-?[\d.]+)~(-?[\d.]+)/.exec(decodeURIComponent(await hashOf(page)))!.map(Number)
        const inside = rows.filter(([step]) => Number(step) >= from && Number(step) <= to)
        const [, ...saved] = rowsOfCsv(await save(page, panel, 'CSV'))
        expect.soft(saved, `${panel} from ${from} to ${to}`).toEqual(inside)
        expect.soft(saved.length, `${panel}: the window is a part`).toBeLessThan(rows.length)
        await page.focus(`#panel-${panel} .curves`)
        await page.keyboard.press('0')
        await page.waitForFunction(() => !location.hash.includes('x='))
      }
      expect(opened.complaints).toEqual([])
    })

    it('draws every point of every curve where its step and value are', async () => {
      await using opened = await stage.open(addressOf(name), TALL)
      const { page } = opened
      await settled(page)
      await listen(page)
      // Another theme draws every chart anew.
      await page.emulateMedia({ colorScheme: 'dark' })
      await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark')
      await settled(page)
      for (const panel of await panelsOf(page, '.curves')) {
        const [head, ...rows] = rowsOfCsv(await save(page, panel, 'CSV'))
        const lines = head.flatMap((title, c) => (c < 2 || /( ± se| low| high)$/.test(title) ? [] : [c]))
        const values = lines.map(c =>
          rows.flatMap(row => (row[c] === '' ? [] : [[Number(row[0]), Number(row[c])] as const])),
        )
        const pathsDrawn = async (): Promise<number> => (await drawnOn(page, panel)).strokes.length
        await expect.poll(pathsDrawn, { message: panel }).toBeGreaterThan(0)
        const { strokes: drawn, texts } = await drawnOn(page, panel)
        expect.soft(drawn.map(line => line.length), `${panel}: points of its lines`).toEqual(values.map(line => line.length))
        const [all, places] = [values.flat(), drawn.flat()]
        if (all.length !== places.length) continue
        // Both axes have numbers: a point is where they say that its step and value are.
        const ticks = texts.flatMap(({ text, x, y }) => {
          const value = Number(text.replace('−', '-'))
          return text === '' || Number.isNaN(value) ? [] : [{ value, x, y }]
        })
        const [left, bottom] = [Math.min(...ticks.map(({ x }) => x)), Math.max(...ticks.map(({ y }) => y))]
        const across = ticks.filter(({ y }) => y === bottom).map(({ value, x }) => [value, x] as const)
        const up = ticks.filter(({ x }) => x === left).map(({ value, y }) => [value, y] as const)
        expect.soft(Math.min(across.length, up.length), `${panel}: numbers at its axes`).toBeGreaterThan(1)
        const pairs = all.map((value, i) => ({ value, place: places[i] }))
        expect
          .soft(farFrom(across, pairs.map(({ value, place }) => [value[0], place[0]])), `${panel}: pixels off in x`)
          .toBeLessThan(2)
        expect
          .soft(farFrom(up, pairs.map(({ value, place }) => [value[1], place[1]])), `${panel}: pixels off in y`)
          .toBeLessThan(2)
      }
    })

    it('draws maps in the colours of their values', async () => {
      await using opened = await stage.open(addressOf(name), TALL)
      const { page } = opened
      await settled(page)
      for (const panel of await panelsOf(page, '.drawn:has(.heat canvas)')) {
        const [, ...rows] = rowsOfCsv(await save(page, panel, 'CSV'))
        const heat = page.locator(`#panel-${panel} .heat`).first()
        const pixels = await heat.locator('canvas').evaluate(element => {
          const canvas = element as HTMLCanvasElement
          const { width, height } = canvas
          return { width, height, data: [...canvas.getContext('2d')!.getImageData(0, 0, width, height).data] }
        })
        // Behind the names of rows stand the map's columns, and behind these what is drawn beside it.
        const [down, across] = (await heat.getAttribute('data-shape'))!.split(' ').map(Number)
        const values = rows.flatMap(row => row.slice(1, across + 1).map(cell => Number(cell === '' ? NaN : cell)))
        const scale = JSON.parse((await heat.getAttribute('data-scale'))!) as ColourScale
        // Maps that are compared share one scale: the largest of theirs.
        const own = scaleFor(values, scale.signed, scale.linear !== undefined)
        expect.soft(scale.limit, panel).toBeGreaterThanOrEqual(panel.startsWith('gram') ? 0 : own.limit)
        const grid = { rows: down, columns: across, values }
        const drawn = paint(grid, scale, wholeOf(grid), pixels.width, pixels.height)
        expect.soft(Buffer.from(pixels.data).equals(Buffer.from(drawn)), `${panel}: pixels`).toBe(true)
        await heat.focus()
        await page.keyboard.press('ArrowRight')
        await page.keyboard.press('ArrowRight')
        // A map of one column has the next cell below.
        const second = Number(rows[0][Math.min(2, across)])
        const said = page.locator(`#panel-${panel} .heat-said`)
        await expect.poll(() => said.textContent(), { message: panel }).toContain(shortOf(second))
      }
    })
  })
})

const shortOf = (value: number): string => show(value)

/** What screen readers are told, as soon as it is what is waited for; else what it is after half a minute. */
const saidOn = async (page: Page, isRight: (text: string) => boolean): Promise<string> => {
  const began = performance.now()
  for (;;) {
    const text = (await page.locator('[aria-live=polite]').allTextContents()).join(' ').trim()
    if (isRight(text) || performance.now() - began > 30_000) return text
    await page.waitForTimeout(60)
  }
}

/** The first number behind a name. */
const numberBehind = (text: string, name: string): number =>
  Number(/[−-]?\d[\d.]*(e[−-]?\d+)?/.exec(text.slice(text.indexOf(name) + name.length))?.[0].replaceAll('−', '-'))

/** How far, at most, pairs are from the straight line through the first and the last of `ticks`. */
const farFrom = (ticks: readonly Point[], pairs: readonly Point[]): number => {
  const sorted = [...ticks].sort(([a], [b]) => a - b)
  const [[x0, y0], [x1, y1]] = [sorted[0], sorted.at(-1)!]
  const at = (x: number): number => y0 + ((x - x0) / (x1 - x0)) * (y1 - y0)
  return Math.max(0, ...[...ticks, ...pairs].map(([x, y]) => Math.abs(at(x) - y)))
}

type Point = readonly [number, number]

interface Drawn {
  /** Points of each path that was stroked. */
  readonly strokes: Point[][]
  readonly texts: { readonly text: string; readonly x: number; readonly y: number }[]
}

/** From now on the page keeps what is drawn on each canvas since it was last cleared. */
const listen = (page: Page): Promise<void> =>
  page.evaluate(() => {
    const paths = new WeakMap<Path2D, Point[]>()
    const drawn = new WeakMap<HTMLCanvasElement, Drawn>()
    Object.assign(globalThis, { drawnOn: drawn })
    const of = (canvas: HTMLCanvasElement): Drawn => {
      const known = drawn.get(canvas) ?? { strokes: [], texts: [] }
      drawn.set(canvas, known)
      return known
    }
    const [{ lineTo }, { stroke, fillText, clearRect }] = [Path2D.prototype, CanvasRenderingContext2D.prototype]
    Path2D.prototype.lineTo = function (x, y) {
      paths.set(this, [...(paths.get(this) ?? []), [x, y]])
      lineTo.call(this, x, y)
    }
    CanvasRenderingContext2D.prototype.stroke = function (this: CanvasRenderingContext2D, path?: Path2D) {
      if (path && paths.has(path)) of(this.canvas).strokes.push(paths.get(path)!)
      return Reflect.apply(stroke, this, path ? [path] : [])
    } as typeof stroke
    CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
      of(this.canvas).texts.push({ text, x, y })
      fillText.call(this, text, x, y)
    }
    CanvasRenderingContext2D.prototype.clearRect = function (...area) {
      drawn.delete(this.canvas)
      clearRect.apply(this, area)
    }
  })
const drawnOn = (page: Page, panel: string): Promise<Drawn> =>
  page
    .locator(`#panel-${panel} .plot canvas`)
    .evaluate(
      canvas =>
        (globalThis as unknown as { drawnOn: WeakMap<Element, Drawn> }).drawnOn.get(canvas) ?? {
          strokes: [],
          texts: [],
        },
    )
