// The pointer on a chart, in pixels from the left and the top of the plot: a line follows it, a drag chooses a stretch,
// a click a place, Ctrl+wheel a factor. The wheel alone scrolls the page (ux.md R3), and so does a finger.

export interface PointerEvents {
  /** The pointer is there, or left. */
  readonly hover: (x: number | undefined) => void
  readonly click: (x: number, y: number) => void
  readonly stretch: (from: number, to: number) => void
  readonly scale: (x: number, factor: number) => void
  /** A double click. */
  readonly reset: () => void
}

/** A drag that is shorter is a click. */
const [CLICK, STRETCH] = [4, 6]

const part = (name: string): HTMLElement => {
  const element = document.createElement('div')
  element.className = name
  element.hidden = true
  return element
}

/** Puts what follows the pointer into `plot` and listens to it. */
export const followPointer = (plot: HTMLElement, events: PointerEvents): void => {
  const [line, chosen] = [part('plot-pointer'), part('plot-chosen')]
  plot.append(line, chosen)
  /** Where a drag began; undefined where there is none. */
  let start: number | undefined
  let down = 0
  const at = (event: MouseEvent): readonly [number, number] => {
    const { left, top, width } = plot.getBoundingClientRect()
    return [Math.min(width, Math.max(0, event.clientX - left)), event.clientY - top]
  }
  const leave = (): void => {
    line.hidden = true
    events.hover(undefined)
  }
  const end = (): void => {
    start = undefined
    chosen.hidden = true
  }
  plot.addEventListener('pointermove', event => {
    if (event.pointerType === 'touch') return
    const [x] = at(event)
    line.hidden = false
    line.style.left = `${x}px`
    events.hover(x)
    if (start === undefined) return
    chosen.hidden = false
    chosen.style.left = `${Math.min(start, x)}px`
    chosen.style.width = `${Math.abs(x - start)}px`
  })
  plot.addEventListener('pointerleave', leave)
  plot.addEventListener('pointerdown', event => {
    down = event.clientX
    if (event.button !== 0 || event.pointerType === 'touch') return
    ;[start] = at(event)
    // A drag may end outside.
    plot.setPointerCapture(event.pointerId)
  })
  plot.addEventListener('pointerup', event => {
    const [from, to] = [start, at(event)[0]]
    end()
    if (from !== undefined && Math.abs(to - from) >= STRETCH) events.stretch(Math.min(from, to), Math.max(from, to))
  })
  plot.addEventListener('pointercancel', end)
  plot.addEventListener('click', event => {
    if (Math.abs(event.clientX - down) < CLICK) events.click(...at(event))
  })
  plot.addEventListener('dblclick', events.reset)
  plot.addEventListener(
    'wheel',
    event => {
      if (!event.ctrlKey && !event.altKey) return
      event.preventDefault()
      events.scale(at(event)[0], event.deltaY > 0 ? 1.25 : 0.8)
    },
    { passive: false },
  )
}
