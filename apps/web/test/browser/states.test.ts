// Every screen in every state of its run, in both themes: it comes to rest, complains of nothing, is no wider than
// its window, says what it should, and axe-core finds nothing (ux.md §4.2). One page serves all cells of a state:
// going from view to view as a reader does costs less than loading, and finds more.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { places, screens } from '../../src/screens/index.ts'
import { addEvaluation, makeRunSet, PROBES, RUNS, type RunName, type RunSet } from '../run-set.ts'
import { violationsOn } from './axe.ts'
import { goTo, openStage, overflowOf, settled, withoutBrowser, type Stage } from './viewer.ts'

const reason = withoutBrowser()
// Higher than any screen: what the bars at top and bottom cover at some place of scrolling is no fault of its own
// (that the focus is never covered is held by keyboard.test.ts).
const TALL = { viewport: { width: 1280, height: 4000 } }
const addressOf = (runs: readonly RunName[], page: string): string =>
  `#/r/${runs.map(name => encodeURIComponent(RUNS[name])).join(',')}/${page}`

interface State {
  readonly name: string
  readonly runs: readonly RunName[]
  /** Panels that fail, by screen; every other panel must not. */
  readonly trouble?: Readonly<Record<string, readonly string[]>>
  /** What every screen must say somewhere. */
  readonly says?: Readonly<Record<string, string | RegExp>>
}

const states: readonly State[] = [
  { name: 'a full run', runs: ['full'] },
  { name: 'two runs', runs: ['full', 'second'] },
  {
    name: 'a run with log π alone',
    runs: ['bare'],
    says: { update: 'ldyn train', squeeze: 'observe.bands', kernel: 'ldyn kernel' },
  },
  { name: 'a live run', runs: ['live'] },
  { name: 'a run that was killed', runs: ['killed'], says: { overview: 'This run crashed' } },
  { name: 'a run that failed', runs: ['failed'], says: { overview: 'the loss is not a number at step 12' } },
  {
    name: 'a run with a matrix that is cut off',
    runs: ['truncated'],
    trouble: { kernel: ['gram'] },
    says: { kernel: 'gram.safetensors' },
  },
  { name: 'a recorded run', runs: ['recorded'], says: { update: 'imported', overview: 'argmax' } },
  { name: 'a large run', runs: ['large'] },
  { name: 'a run with a name that is markup', runs: ['odd'] },
]
/** Runs that cannot be read: the same on every screen. */
const unreadable: readonly { readonly name: RunName; readonly says: string }[] = [
  { name: 'newer', says: 'newer' },
  { name: 'damaged', says: 'cut off' },
]

describe.skipIf(reason !== undefined)(`screens in every state ${reason ?? ''}`, () => {
  let [stage, set]: [Stage, RunSet] = [undefined!, undefined!]
  beforeAll(async () => {
    stage = await openStage()
    set = await makeRunSet(stage.runs)
  })
  afterAll(async () => {
    await set?.[Symbol.asyncDispose]()
    await stage?.[Symbol.asyncDispose]()
  })

  /** Both themes of what is shown. */
  const checkBoth = async (
    { page, complaints }: Awaited<ReturnType<Stage['open']>>,
    where: string,
  ): Promise<void> => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await page.waitForFunction(theme => document.documentElement.dataset.theme === theme, colorScheme)
      await settled(page)
      expect.soft(await overflowOf(page), `${where}, ${colorScheme}: wider than the window by`).toBe(0)
      expect.soft(await violationsOn(page), `${where}, ${colorScheme}`).toEqual([])
    }
    expect.soft(complaints.splice(0), `${where} complains`).toEqual([])
  }
  const troubles = (page: import('playwright-core').Page): Promise<(string | undefined)[]> =>
    page
      .locator('.panel.trouble')
      .evaluateAll(found => found.map(panel => (panel as HTMLElement).dataset.panel))

  describe.each(states)('$name', ({ runs, trouble = {}, says = {} }) => {
    it('is shown by every screen', async () => {
      await using opened = await stage.open(addressOf(runs, screens[0].page), TALL)
      await settled(opened.page)
      for (const { page: name } of screens) {
        const address = addressOf(runs, name)
        await goTo(opened.page, address)
        expect.soft(await troubles(opened.page), address).toEqual(trouble[name] ?? [])
        if (says[name] !== undefined) {
          const text = await opened.page.locator('main').innerText()
          expect.soft(text, address).toMatch(says[name])
        }
        await checkBoth(opened, address)
      }
    })
  })

  it.each(unreadable)('a run that is $name says so on every screen', async ({ name, says }) => {
    await using opened = await stage.open(addressOf([name], screens[0].page), TALL)
    for (const { page: screen } of screens) {
      await goTo(opened.page, addressOf([name], screen))
      expect.soft(await opened.page.locator('main').innerText(), screen).toContain(says)
    }
    await checkBoth(opened, name)
  })

  it('a run that is not there, a screen and a place that are not there', async () => {
    await using opened = await stage.open('#/r/nowhere/overview')
    await settled(opened.page)
    expect(await opened.page.locator('.panel.missing').innerText()).toContain('no such run')
    await checkBoth(opened, 'no run')
    for (const hash of ['#/r/full/nosuchscreen', '#/nosuchplace', '#/r/full/dynamics?nonsense=1&band=foo']) {
      await goTo(opened.page, hash)
      expect.soft(await opened.page.locator('.banner').first().innerText(), hash).toContain('does not know')
      await checkBoth(opened, hash)
    }
  })

  it('the list of runs, and every place that needs no run', async () => {
    await using opened = await stage.open('#/', TALL)
    await settled(opened.page)
    expect(await opened.page.locator('table.runs tbody tr').count()).toBe(Object.keys(RUNS).length)
    await checkBoth(opened, 'runs')
    for (const { place } of places) {
      await goTo(opened.page, `#/${place}`)
      expect.soft(await troubles(opened.page), place).toEqual([])
      await checkBoth(opened, place)
    }
  })

  it('goes on while a run grows, on every screen', async () => {
    await using opened = await stage.open(addressOf(['live'], screens[0].page))
    await settled(opened.page)
    let step = set.live.lastStep
    for (const { page: name } of screens) {
      await goTo(opened.page, addressOf(['live'], name))
      await addEvaluation(set.live, PROBES, ++step)
      await opened.page.waitForFunction(
        now => document.querySelector('.step-now')?.textContent?.includes(`step ${now}`),
        step,
      )
      await settled(opened.page)
      expect.soft(await opened.page.locator('.state.live').count(), name).toBeGreaterThan(0)
      expect.soft(await troubles(opened.page), name).toEqual([])
      expect.soft(opened.complaints.splice(0), name).toEqual([])
    }
  })

  it.each([390, 320])('fits a window of %i pixels', async width => {
    await using opened = await stage.open('#/', { viewport: { width, height: 844 } })
    await settled(opened.page)
    expect.soft(await overflowOf(opened.page), 'runs').toBe(0)
    const addresses = [
      ...places.map(({ place }) => `#/${place}`),
      ...(['full', 'bare', 'recorded'] as const).flatMap(run =>
        screens.map(({ page: name }) => addressOf([run], name)),
      ),
      ...screens.map(({ page: name }) => addressOf(['full', 'second'], name)),
    ]
    for (const address of addresses) {
      await goTo(opened.page, address)
      expect.soft(await overflowOf(opened.page), address).toBe(0)
    }
    expect(opened.complaints).toEqual([])
  })
})

describe.skipIf(reason !== undefined)('an empty directory', () => {
  it('leads to a first run, in both themes and on a telephone', async () => {
    await using stage = await openStage()
    await using opened = await stage.open('#/')
    await settled(opened.page)
    expect(await opened.page.locator('.empty').innerText()).toContain('ldyn demo')
    for (const colorScheme of ['light', 'dark'] as const) {
      await opened.page.emulateMedia({ colorScheme })
      expect(await violationsOn(opened.page)).toEqual([])
    }
    await opened.page.setViewportSize({ width: 320, height: 640 })
    await settled(opened.page)
    expect(await overflowOf(opened.page)).toBe(0)
    expect(opened.complaints).toEqual([])
  })
})

describe.skipIf(reason !== undefined)('the browser under test', () => {
  it.each([
    ['none', false],
    ['software', true],
  ] as const)('with GPU "%s" finds an adapter: %s', async (gpu, finds) => {
    await using stage = await openStage({ gpu })
    await using opened = await stage.open('#/')
    const found = await opened.page.evaluate(async () => {
      const { gpu: entry } = navigator as unknown as { gpu?: { requestAdapter(): Promise<object | null> } }
      return { entry: entry !== undefined, adapter: (await entry?.requestAdapter()) != null }
    })
    expect(found).toEqual({ entry: true, adapter: finds })
  })
})
