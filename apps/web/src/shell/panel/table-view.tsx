// A table on the page, a piece at a time: the twin of every figure.
import { useState } from 'preact/hooks'
import type { Table } from '../../panels/panel.ts'

const shortNumber = (value: number): string =>
  Number.isInteger(value)
    ? String(value).replace('-', '−')
    : String(Number(value.toPrecision(6))).replace(/-/g, '−')

const ROWS = 25

export const TableView = ({ table, caption }: { table: Table; caption: string }) => {
  const [page, setPage] = useState(0)
  const pages = Math.max(1, Math.ceil(table.rows.length / ROWS))
  const at = Math.min(page, pages - 1)
  return (
    <div class="table-view">
      <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
        <table>
          <caption class="sr">{caption}</caption>
          <thead>
            <tr>
              {table.head.map(name => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.rows.slice(at * ROWS, (at + 1) * ROWS).map((row, r) => (
              <tr key={at * ROWS + r}>
                {row.map((cell, c) =>
                  c === 0 ? (
                    <th scope="row" key={c}>
                      {cell}
                    </th>
                  ) : (
                    <td key={c} class={typeof cell === 'number' ? 'number' : undefined}>
                      {cell === undefined ? '–' : typeof cell === 'number' ? shortNumber(cell) : cell}
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {pages > 1 && (
        <p class="pager">
          <button type="button" disabled={at === 0} onClick={() => setPage(at - 1)}>
            Back
          </button>
          rows {at * ROWS + 1}–{Math.min(table.rows.length, (at + 1) * ROWS)} of {table.rows.length}
          <button type="button" disabled={at === pages - 1} onClick={() => setPage(at + 1)}>
            On
          </button>
        </p>
      )}
    </div>
  )
}
