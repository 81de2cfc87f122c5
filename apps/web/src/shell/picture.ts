// A figure that is drawn as SVG on the page, as a file that stands alone: what the style sheet gives each part is
// written into it, and it lies on white or dark paper as the page does.

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

/** The panel's drawing; undefined where it is not on the page just now (a table stands there, or it is still read). */
export const drawnSvg = (id: string, title: string): string | undefined => {
  const drawing = document.querySelector<SVGSVGElement>(`#panel-${CSS.escape(id)} .drawn svg.strips`)
  if (!drawing) return undefined
  const copy = drawing.cloneNode(true) as SVGSVGElement
  const from = [drawing, ...drawing.querySelectorAll('*')]
  const to = [copy, ...copy.querySelectorAll('*')]
  from.forEach((element, i) => {
    const style = getComputedStyle(element)
    for (const name of TAKEN) to[i].setAttribute(name, style.getPropertyValue(name))
    to[i].removeAttribute('class')
  })
  const { x, y, width, height } = drawing.viewBox.baseVal
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  copy.setAttribute('width', String(width))
  copy.setAttribute('height', String(height))
  copy.setAttribute('font-family', 'system-ui, sans-serif')
  const paper = document.createElementNS('http://www.w3.org/2000/svg', 'rect')
  const ground = getComputedStyle(drawing.closest('.panel') ?? document.body).backgroundColor
  const about = { x, y, width, height, fill: ground }
  for (const [name, value] of Object.entries(about)) paper.setAttribute(name, String(value))
  const name = document.createElementNS('http://www.w3.org/2000/svg', 'title')
  name.textContent = title
  copy.prepend(name, paper)
  return `${new XMLSerializer().serializeToString(copy)}\n`
}
