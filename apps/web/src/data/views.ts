// Views that somebody gave a name (ux.md R7): in views.json beside the runs where the viewer may write there, so
// that whoever looks at these runs has them; else in this browser.
import { signal, type ReadonlySignal } from '@preact/signals'
import type { NamedView } from '../wire.ts'
import type { ViewsSource } from './source.ts'

export interface Views {
  readonly list: ReadonlySignal<readonly NamedView[]>
  refresh(): Promise<void>
  /** Keeps the address under the name, in place of what had it; a sentence to show. */
  save(name: string, address: string): Promise<string>
  remove(name: string): Promise<string>
}

const KEPT = 'ldyn.views'

const local = (): readonly NamedView[] => {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT) ?? '[]') as unknown
    return Array.isArray(found) ? found.filter(isNamedView) : []
  } catch {
    return []
  }
}

const isNamedView = (value: unknown): value is NamedView => {
  const { name, address } = (value ?? {}) as Partial<Record<keyof NamedView, unknown>>
  return (
    typeof name === 'string' &&
    name.trim() !== '' &&
    name.length <= 200 &&
    typeof address === 'string' &&
    address.startsWith('#/') &&
    address.length <= 8_000
  )
}

export const createViews = (beside: ViewsSource | undefined): Views => {
  const list = signal<readonly NamedView[]>([])
  let shared = false
  const refresh = async (): Promise<void> => {
    const found = await beside?.read().catch(() => undefined)
    shared = found !== undefined
    list.value = found ?? local()
  }
  const keep = async (views: readonly NamedView[], said: string): Promise<string> => {
    if (shared) {
      try {
        await beside!.write(views)
        list.value = views
        return `${said}, for everybody who looks at these runs`
      } catch (error) {
        return `Not kept: ${error instanceof Error ? error.message : String(error)}`
      }
    }
    list.value = views
    try {
      localStorage.setItem(KEPT, JSON.stringify(views))
      return `${said}, in this browser`
    } catch {
      return `${said}, until the page is closed: this browser keeps nothing`
    }
  }
  const others = async (name: string): Promise<readonly NamedView[]> => {
    // Somebody else may have saved one meanwhile.
    await refresh()
    return list.value.filter(view => view.name !== name)
  }
  return {
    list,
    refresh,
    async save(name, address) {
      const view = { name, address }
      if (!isNamedView(view)) return 'Not kept: the name or the address is too long'
      return keep([...(await others(name)), view], `“${name}” is saved`)
    },
    remove: async name => keep(await others(name), `“${name}” is removed`),
  }
}
