// The page that a viewer serves.
import { asker } from './data/http-files.ts'
import { servedSource } from './data/served.ts'
import { start } from './start.tsx'

const TOKEN = 'ldyn.token'

/** The token that the address brought, kept for this tab and taken out of the address. */
const takeToken = (): string | undefined => {
  const found = /^#token=([\w-]+)$/.exec(location.hash)?.[1]
  if (found !== undefined) {
    sessionStorage.setItem(TOKEN, found)
    history.replaceState(null, '', '#/')
  }
  return found ?? sessionStorage.getItem(TOKEN) ?? undefined
}

start(servedSource(asker(takeToken())))
