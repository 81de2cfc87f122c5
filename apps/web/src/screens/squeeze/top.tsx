// The likeliest tokens at one position, and what each gained since the step compared with.
import { show, signed } from '@ldyn/figures'
import { tokenText } from '../../data/matrices.ts'
import type { PanelModel } from '../../panels/panel.ts'
import { knownTokens, type Seen } from '../../panels/watched/watched.ts'
import { rankAt, type Marked } from '../../panels/watched/tokens.ts'

export const topPanel = (
  then: Seen,
  now: Seen,
  marked: readonly Marked[],
  onFollow: (id: number) => void,
): PanelModel => {
  const before = knownTokens(then.position)
  const marks = new Map(marked.map(({ id, name }) => [id, name]))
  const told = new Set(now.position.top.map(({ id }) => id))
  const after = knownTokens(now.position)
  const extra = marked.flatMap(({ id }) => (told.has(id) || !after.has(id) ? [] : [after.get(id)!]))
  const rows = [...now.position.top.slice(0, 12), ...extra]
  const most = Math.exp(now.position.top[0]?.logp ?? 0)
  return {
    id: 'top',
    kind: 'drawn',
    title: `Likeliest tokens at step ${now.step}`,
    says: `Δ since step ${then.step}; a token that was not among the ${then.position.top.length} likeliest then has none. A click follows a token.`,
    draw: () => (
      <div class="scroll" tabIndex={0} role="region" aria-label="Likeliest tokens">
        <table class="top-k">
          <thead>
            <tr>
              <th scope="col" class="number">
                rank
              </th>
              <th scope="col">token</th>
              <th scope="col" class="number">
                π
              </th>
              <th scope="col" class="number">
                Δ
              </th>
              <th scope="col" class="to-scale">
                to scale
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ id, text, logp }) => {
              const p = Math.exp(logp)
              const was = before.get(id)
              const change = was && p - Math.exp(was.logp)
              return (
                <tr key={id}>
                  <td class="number">{rankAt(now.position, id, logp)}</td>
                  <th scope="row">
                    <button
                      type="button"
                      class="plain"
                      title={`id ${id}: follow this token`}
                      onClick={() => onFollow(id)}
                    >
                      <code>{tokenText(text)}</code>
                    </button>{' '}
                    {marks.has(id) && <span class="muted">{marks.get(id)}</span>}
                  </th>
                  <td class="number">{show(p)}</td>
                  <td class="number">
                    {change === undefined ? '–' : `${change >= 0 ? '▲' : '▼'} ${signed(change)}`}
                  </td>
                  <td>
                    <span class="top-bar" style={{ width: `max(1px, ${(100 * p) / most}%)` }} />
                  </td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
    ),
    table: () => ({
      head: ['rank', 'token', 'id', 'log π', `log π at step ${then.step}`, 'Δπ', 'what it is'],
      rows: rows.map(({ id, text, logp }) => [
        rankAt(now.position, id, logp),
        text,
        id,
        logp,
        before.get(id)?.logp,
        before.has(id) ? Math.exp(logp) - Math.exp(before.get(id)!.logp) : undefined,
        marks.get(id),
      ]),
    }),
  }
}
