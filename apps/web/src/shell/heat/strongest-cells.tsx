// The strongest cells of what a map shows, as a list: sighted readers want it as well, and it picks cells (ux.md §4.3).
import { show } from '@ldyn/figures'
import { useMemo, useState } from 'preact/hooks'
import { knownUpTo, strongestCells } from '../../drawing/heat-map.ts'
import { gridOf, sizeOf, type Heat } from '../../panels/heat.ts'
import { shownPart } from './window.ts'

export const StrongestCells = ({
  heat,
  id,
  onPick,
  most = 20,
}: {
  heat: Heat
  id: string
  onPick?: (row: number, column: number) => void
  most?: number
}) => {
  const part = shownPart(id, sizeOf(heat))
  const { row, column, rows, columns } = part
  const [open, setOpen] = useState(false)
  // Of millions of cells they are looked for when they are looked at.
  const cells = useMemo(
    () => (open ? strongestCells(gridOf(heat), most, part) : []),
    [open, heat.values, most, row, column, rows, columns],
  )
  return (
    <details open={open} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>The {knownUpTo(gridOf(heat), most, part)} strongest cells</summary>
      <ol class="cells-list">
        {cells.map(({ row, column, value }) => {
          const text = (
            <>
              {heat.rowName} <b>{heat.rows[row]}</b> · {heat.columnName} <b>{heat.columns[column]}</b>:{' '}
              {`${show(value)} ${heat.unit}`}
            </>
          )
          return (
            <li key={`${row} ${column}`}>
              {onPick ? (
                <button type="button" class="plain" onClick={() => onPick(row, column)}>
                  {text}
                </button>
              ) : (
                text
              )}
            </li>
          )
        })}
      </ol>
    </details>
  )
}
