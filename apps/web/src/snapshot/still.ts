// The first picture of each main figure, for previews, for print and for readers without scripts: static SVG and the
// words that the overview says, made from what is in the file: nothing that was left out of it can show here.
import { caution, chart, chartStyle, escape, gather, narrate, panelsOf, slugs } from '@ldyn/figures'
import { openRun } from '@ldyn/runs'
import type { Container } from './container.ts'
import { filesOf } from './files.ts'

/** More would weigh more than the data of a small run. */
const MOST = 6

// The page's own element takes the whole window, and shows nothing here.
const STYLE =
  '#app{display:none}body{display:block;height:auto;overflow:auto;max-width:64rem;margin:auto;padding:1rem}' +
  'figure{display:inline-block;vertical-align:top;width:min(100%,30rem);margin:1rem .5rem}li{margin:.3rem 0}'

/** Markup, everything of the runs escaped. */
export const stillOf = async (container: Container): Promise<string> => {
  const runs = await Promise.all(
    container.manifest.runs.map(async ({ key }) => gather(await openRun(filesOf(container, key)!))),
  )
  const order = ['overview', 'logp', 'confidence', 'training']
  const panels = panelsOf(runs)
    .filter(({ section }) => order.includes(section))
    .sort((a, b) => order.indexOf(a.section) - order.indexOf(b.section))
    .slice(0, MOST)
  const ids = slugs(panels.map(({ id }) => `still-${id}`))
  const figures = panels.map(
    (panel, i) =>
      `<figure><figcaption><h2>${escape(panel.title)}</h2><p>${escape(panel.says)}</p></figcaption>${chart({ ...panel, id: ids[i] }, undefined, ids[i])}</figure>`,
  )
  const words = runs.flatMap(run =>
    narrate(run).map(
      ({ title, sentences }) =>
        `<h2>${escape(title)}</h2><ul>${sentences.map(({ about, text }) => `<li>${escape(`${about}: ${text}`)}</li>`).join('')}</ul>`,
    ),
  )
  const sure = caution(runs)
  const names = escape(runs.map(({ id }) => id).join(', '))
  return `<style>${STYLE}${chartStyle()}</style><h1>${names}</h1><p>The page itself needs JavaScript; these are its main figures.</p>${figures.join('')}${words.join('')}${sure && `<p>${escape(sure)}</p>`}`
}
