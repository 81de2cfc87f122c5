// What a panel shows on the page, as an SVG file that stands alone: drawings with what the style sheet gives each part
// written into it, text and tables as they are set, line by line, on white or dark paper as the page is. Fetched when a
// picture is asked for.
import { cut, escape, tag, type Attributes } from '@ldyn/figures'

const TAKEN = [
  'fill',
  'fill-opacity',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'opacity',
  'font-size',
  'font-weight',
  'text-anchor',
] as const

/** What is for the page alone: switches, what only screen readers are told, hints of what a click does. */
const ON_PAGE = '.sr, .on-page, .copy-row, select, input, label, summary, button:not(.plain, .token)'

/** Room for the title. */
const HEAD = 26

const styled = (drawing: SVGSVGElement, place: Attributes): string => {
  const copy = drawing.cloneNode(true) as SVGSVGElement
  const from = [drawing, ...drawing.querySelectorAll('*')]
  const to = [copy, ...copy.querySelectorAll('*')]
  from.forEach((element, i) => {
    const style = getComputedStyle(element)
    for (const name of TAKEN) to[i].setAttribute(name, style.getPropertyValue(name))
    to[i].removeAttribute('class')
  })
  for (const [name, value] of Object.entries(place)) copy.setAttribute(name, String(value))
  return new XMLSerializer().serializeToString(copy)
}

interface Line {
  text: string
  readonly box: DOMRect
  right: number
}

/** The lines that a text is set in: letters of one height are one. */
const linesOf = (node: Text): readonly Line[] => {
  const [range, lines]: [Range, Line[]] = [document.createRange(), []]
  let at = 0
  for (const letter of node.data) {
    range.setStart(node, at)
    range.setEnd(node, (at += letter.length))
    const box = range.getBoundingClientRect()
    if (box.width === 0) continue
    const [last, blank] = [lines.at(-1), letter.trim() === '']
    // A file drops blanks at both ends of a text: a line goes from its first letter to its last.
    if (last && Math.abs(last.box.top - box.top) < 2 && box.left > last.right - 2) {
      last.text += letter
      if (!blank) last.right = box.right
    } else if (!blank) lines.push({ text: letter, box, right: box.right })
  }
  return lines
}

const clear = (colour: string): boolean => /^rgba\(.* 0\)$|^transparent$/.test(colour)

/** What is drawn below `root`, in its order, with places counted from `x`, `y`; and how far it reaches. */
const marksOf = (root: Element, x: number, y: number) => {
  const marks: string[] = []
  let [width, height] = [0, 0]
  const reach = ({ right, bottom }: Pick<DOMRect, 'right' | 'bottom'>): void => {
    ;[width, height] = [Math.max(width, right - x), Math.max(height, bottom - y)]
  }
  const walk = (element: Element): void => {
    if (element.matches(ON_PAGE)) return
    const box = element.getBoundingClientRect()
    if (element instanceof SVGSVGElement) {
      reach(box)
      marks.push(styled(element, { x: box.left - x, y: box.top - y, width: box.width, height: box.height }))
      return
    }
    const style = getComputedStyle(element)
    const ground = style.backgroundColor
    if (!clear(ground)) {
      for (const area of element.getClientRects()) {
        reach(area)
        const { left, top, width, height } = area
        marks.push(tag('rect', { x: left - x, y: top - y, width, height, rx: 2, fill: ground }))
      }
    }
    if (parseFloat(style.borderBottomWidth) > 0 && !clear(style.borderBottomColor)) {
      const at = box.bottom - y
      marks.push(
        tag('line', { x1: box.left - x, x2: box.right - x, y1: at, y2: at, stroke: style.borderBottomColor }),
      )
    }
    for (const child of element.childNodes) {
      if (child instanceof Element) walk(child)
      else if (child instanceof Text) {
        for (const { text, box, right } of linesOf(child)) {
          reach({ right, bottom: box.bottom })
          const set: Attributes = {
            x: box.left - x,
            // Of the height of a line, what stands above its letters' feet.
            y: box.top - y + box.height * 0.8,
            // Another machine's letters have the same room.
            textLength: right - box.left,
            lengthAdjust: 'spacingAndGlyphs',
            fill: style.color,
            'font-family': style.fontFamily,
            'font-size': style.fontSize,
            'font-weight': style.fontWeight,
          }
          // What the page blurs, the picture does not tell.
          marks.push(tag('text', set, escape(element.closest('.blurred') ? text.replace(/\S/g, '▒') : text.trimEnd())))
        }
      }
    }
  }
  walk(root)
  return { marks, width, height }
}

/** The panel as the page shows it just now; undefined where there is nothing to see. */
export const drawnSvg = (id: string, title: string): string | undefined => {
  const panel = document.getElementById(`panel-${id}`)
  const drawing = panel?.querySelector('.drawn, .table-view')
  if (!panel || !drawing) return undefined
  const { left, top } = drawing.getBoundingClientRect()
  const { marks, width, height } = marksOf(drawing, left - 10, top - HEAD)
  const { backgroundColor, color, fontFamily } = getComputedStyle(panel)
  const [wide, high] = [Math.ceil(width + 10), Math.ceil(height + 10)]
  const head = tag('text', { x: 10, y: 17, fill: color, 'font-size': 13, 'font-weight': 600 }, escape(cut(title, Math.floor(wide / 7))))
  return `${tag(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${wide} ${high}`,
      width: wide,
      height: high,
      'font-family': fontFamily,
    },
    [tag('title', {}, escape(title)), tag('rect', { width: wide, height: high, fill: backgroundColor }), head, ...marks],
  )}\n`
}
