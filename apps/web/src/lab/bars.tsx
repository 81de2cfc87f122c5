// The bars, and what a hand does with them: a click makes a class y⁺, with Alt y⁻; arrows move along the classes, Enter
// and Alt+Enter do the same as the clicks.
import { show } from '@ldyn/figures'
import { useState } from 'preact/hooks'
import { useApp } from '../shell/context.ts'
import { classAt, drawBars, type BarsInput } from './draw.ts'
import { Picture } from '../shell/panel/drawn.tsx'

interface Props extends BarsInput {
  readonly id: string
  readonly height: number
  readonly pick: (y: number, side: 'pos' | 'neg') => void
}

export const Bars = ({ id, height, pick, ...input }: Props) => {
  const app = useApp()
  const [at, setAt] = useState<number | undefined>(undefined)
  const V = input.before.length
  const say = (y: number): void =>
    app.announce(
      `class ${y}${input.marked.filter(m => m.y === y).map(m => `, ${m.name}`).join('')}: ${show(Math.exp(input.before[y]))} before, ${show(Math.exp(input.after[y]))} after`,
    )
  const choose = (y: number, side: 'pos' | 'neg'): void => {
    setAt(y)
    pick(y, side)
    app.announce(`class ${y} is now ${side === 'pos' ? 'y plus' : 'y minus'}`)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey) return
    const now = at ?? 0
    const go = (y: number): void => {
      const next = Math.min(V - 1, Math.max(0, y))
      setAt(next)
      say(next)
    }
    const keys: Record<string, () => void> = {
      ArrowLeft: () => go(now - (event.shiftKey ? 10 : 1)),
      ArrowRight: () => go(now + (event.shiftKey ? 10 : 1)),
      Home: () => go(0),
      End: () => go(V - 1),
      Enter: () => choose(now, event.altKey ? 'neg' : 'pos'),
    }
    const act = keys[event.key]
    if (!act || (event.altKey && event.key !== 'Enter')) return
    event.preventDefault()
    event.stopPropagation()
    act()
  }
  return (
    <>
      <div
        class="lab-bars"
        role="application"
        aria-roledescription="chart"
        aria-label="Classes. Arrows move, Enter makes a class y plus, Alt+Enter y minus."
        tabIndex={0}
        onKeyDown={onKeyDown}
        onBlur={() => setAt(undefined)}
        onClick={event => {
          const box = event.currentTarget.getBoundingClientRect()
          choose(classAt(event.clientX - box.left, V, box.width), event.altKey ? 'neg' : 'pos')
        }}
      >
        <Picture id={id} height={height} draw={(size, ink) => drawBars({ ...input, at }, size, ink)} />
      </div>
      <p class="muted lab-hint">
        Click a class: y⁺. <kbd>Alt</kbd>+click: y⁻. By keys: arrows, <kbd>Enter</kbd>, <kbd>Alt</kbd>+<kbd>Enter</kbd>.
      </p>
    </>
  )
}
