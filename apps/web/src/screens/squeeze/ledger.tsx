// Where the mass of one position went between two steps: who gave, who got, and whether a push on rejected could have
// fed whom it fed (Lemma 1).
import { show, stageMarks } from '@ldyn/figures'
import type { LiveData } from '../../data/live-run.ts'
import { tokenText } from '../../data/matrices.ts'
import type { PanelModel } from '../../panels/panel.ts'
import { ledgerOf, valleyOf, type Account, type Seen } from '../../panels/watched/watched.ts'
import { quoted } from '../../panels/watched/tokens.ts'

const Side = ({ title, rows }: { title: string; rows: readonly Account[] }) => (
  <div>
    <table>
      <thead>
        <tr>
          <th scope="col">{title}</th>
          <th scope="col" class="number">
            moved
          </th>
          <th scope="col" class="number">
            π then → now
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ name, text, gain, before, after }) => (
          <tr key={`${name} ${text ?? ''}`}>
            <th scope="row">
              {name} {text !== undefined && <code>{tokenText(text)}</code>}
            </th>
            <td class="number">{show(Math.abs(gain))}</td>
            <td class="number muted">
              {show(before)} → {show(after)}
            </td>
          </tr>
        ))}
        {rows.length === 0 && (
          <tr>
            <td class="muted">nothing</td>
          </tr>
        )}
      </tbody>
    </table>
  </div>
)

export const ledgerPanel = (run: LiveData, then: Seen, now: Seen, series: readonly Seen[]): PanelModel => {
  const { accounts, taken, index } = ledgerOf(then.position, now.position)
  const sorted = [...accounts].sort((a, b) => Math.abs(b.gain) - Math.abs(a.gain))
  const from = sorted.filter(({ gain }) => gain < -1e-9)
  const to = sorted.filter(({ gain }) => gain > 1e-9)
  // Rejected is pushed from the first stage on that has it in its loss.
  const pushing = run.manifest.stages.find(({ loss }) => !/sft|nll|extend/i.test(loss))?.name
  const start = stageMarks([run]).find(({ name }) => name === pushing)?.step ?? 0
  const pushed = [...series].reverse().find(({ step }) => step <= start) ?? series[0]
  const valley = pushing === undefined ? undefined : valleyOf(pushed.position)
  const fed = valley?.rise.slice(0, 3).map(({ text, logp }) => `${quoted(text)} ${show(Math.exp(logp))}`)
  const squeezed =
    index !== undefined &&
    index > 0.5 &&
    accounts.some(({ name, gain }) => name.includes('chosen') && !name.startsWith('likeliest') && gain < 0)
  return {
    id: 'ledger',
    kind: 'drawn',
    title: `Where did the mass go? Step ${then.step} → ${now.step}`,
    says: `Probability at this one position; what is taken is what is given, ${show(taken)} in all. ${index === undefined ? 'Squeeze index: none, the likeliest token did not gain, or was not told before.' : `Squeeze index ${show(index)}: of all that was gained, the share of the likeliest token.`}`,
    notes: [
      ...(squeezed
        ? [
            'CAUTION: most of what moved went to the likeliest token while chosen lost: the squeezing effect at this position.',
          ]
        : []),
      ...(valley
        ? [
            `Valley check, where ${pushing} began to push (step ${pushed.step}): rejected was at π = ${show(valley.rejected)}. To first order such a push raises exactly the tokens above p_thr = ‖π‖² − π_y = ${show(valley.threshold)} (Lemma 1): ${fed?.join(', ') || 'none on file'}.${valley.chosen === undefined ? '' : ` Chosen, at ${show(valley.chosen)}, is ${valley.chosen > valley.threshold ? 'above it and is fed' : 'below it and falls with the rest'}.`}`,
          ]
        : []),
      'Squeezing is one factor among several: a falling chosen alone does not prove it.',
    ],
    draw: () => (
      <div class="ledger">
        <Side title="taken from" rows={from} />
        <Side title="given to" rows={to} />
      </div>
    ),
    table: () => ({
      head: ['who', 'token', `π at step ${then.step}`, `π at step ${now.step}`, 'gain'],
      rows: accounts.map(({ name, text, before, after, gain }) => [name, text, before, after, gain]),
    }),
  }
}
