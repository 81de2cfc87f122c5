// What marks mean, in rows under or beside a picture and part of it, so that a saved file has it too.
import { cut, LETTER, textWidth } from '@ldyn/figures'
import { text, type Ink } from './ink.ts'

export interface KeyItem {
  readonly name: string
  /** The mark around a place, as markup. */
  readonly mark: (x: number, y: number) => string
}

const [ROW, MARK, GAP] = [16, 16, 14]

/** Where each item begins: side by side as far as they fit, then in the next row. */
const places = (items: readonly KeyItem[], width: number) => {
  let [x, row] = [0, 0]
  return items.map(item => {
    const wide = MARK + textWidth(item.name)
    if (x > 0 && x + wide > width) [x, row] = [0, row + 1]
    const place = { item, x, row }
    x += wide + GAP
    return place
  })
}

/** How high a key is between edges so far apart. */
export const keyHeight = (items: readonly KeyItem[], width: number): number =>
  items.length === 0 ? 0 : ((places(items, width).at(-1)?.row ?? 0) + 1) * ROW

/** From its upper left corner. */
export const drawKey = (
  items: readonly KeyItem[],
  { left, top, width }: { readonly left: number; readonly top: number; readonly width: number },
  ink: Ink,
): readonly string[] => {
  const letters = Math.floor((width - MARK) / LETTER)
  return places(items, width).flatMap(({ item, x, row }) => [
    item.mark(left + x + 5, top + row * ROW + 7),
    text(left + x + MARK, top + row * ROW + 11, cut(item.name, letters), ink.muted),
  ])
}
