// A link to a view, on the clipboard.
import type { App } from './context.ts'

/** Puts the address of a view on the clipboard, and says so. */
export const copyLink = (app: App, patch: Parameters<App['store']['link']>[0] = {}): void => {
  const address = `${location.href.split('#')[0]}${app.store.link(patch)}`
  // Only pages from this machine, or over TLS, may write to the clipboard; elsewhere the address is shown.
  if (!navigator.clipboard) app.toast(address)
  else
    void navigator.clipboard.writeText(address).then(
      () => app.toast('Link copied'),
      () => app.toast(address),
    )
}
