// The page of a snapshot: reads its own data, then is the page that a viewer serves.
import { render } from 'preact'
import { troubleOf } from '../data/run-store.ts'
import { start } from '../start.tsx'
import { DEFAULTS, encodeView } from '../state/address.ts'
import { fetchBeside } from './beside.ts'
import { DATA_ID, type SnapshotAbout } from './format.ts'
import { openData, problem, type DataText } from './open.ts'
import { snapshotSource } from './source.ts'

/** The data element of this page; its text is taken out of the page, which would hold it twice. */
const takeData = (): DataText & { readonly beside: boolean } => {
  const element = document.getElementById(DATA_ID)
  if (!element) throw problem('cut-off', 'it ends before its data')
  const { bytes = '0', sha256: digest = '', beside } = element.dataset
  const text = element.textContent ?? ''
  element.textContent = ''
  return { text, bytes: Number(bytes), sha256: digest, beside: beside !== undefined }
}

/** Where a file that is opened without an address begins: its run, or its runs side by side. */
const firstAddress = ({ list, pages }: SnapshotAbout): string => {
  const runs = list.runs.map(({ key }) => key)
  const [first] = runs.length > 1 && pages.includes('compare') ? (['compare'] as const) : pages
  return encodeView({ ...DEFAULTS, runs, page: first })
}

const Broken = ({ error }: { error: unknown }) => {
  const { what, where, why, fix } = troubleOf(error)
  return (
    <main id="main">
      <div class="nothing trouble" role="alert">
        <h1>{what}</h1>
        {where && <p class="muted">{where}</p>}
        {why && <p>{why}.</p>}
        {fix && <p>{fix}.</p>}
      </div>
    </main>
  )
}

const begin = async (): Promise<void> => {
  try {
    const data = takeData()
    const { about, container } = await openData(data, data.beside ? fetchBeside(location.href) : undefined)
    if (/^#?\/?$/.test(location.hash)) history.replaceState(null, '', firstAddress(about))
    start(snapshotSource(container), about)
  } catch (error) {
    render(<Broken error={error} />, document.getElementById('app')!)
  }
}

// The data stand behind this script, so that it runs even where they were cut off.
if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', () => void begin())
else void begin()
