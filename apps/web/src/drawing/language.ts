// Imported before uPlot, which formats numbers in the browser's language as soon as it is read, and throws where
// that is no language tag: Chromium in a POSIX locale says `en-US@posix`. The page would stay empty.

const known = (tag: string): boolean => {
  try {
    return Intl.NumberFormat.supportedLocalesOf(tag).length >= 0
  } catch {
    return false
  }
}

if (typeof navigator !== 'undefined' && !known(navigator.language))
  Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true })
