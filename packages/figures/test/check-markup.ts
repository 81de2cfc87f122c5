/** Throws unless every tag is closed in order and text and attribute values hold no bare `<` or `&`. */
export const checkMarkup = (markup: string, voids: readonly string[] = []): void => {
  const open: string[] = []
  let at = 0
  const tagAt = /<(\/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z][a-zA-Z0-9:-]*(?:="[^"<]*")?)*)\s*(\/?)>/y
  while (at < markup.length) {
    const next = markup.indexOf('<', at)
    const text = markup.slice(at, next < 0 ? undefined : next)
    const raw = open.at(-1) === 'style'
    const bad = raw ? null : /&(?!(?:amp|lt|gt|quot|#39);)/.exec(text)
    if (bad) throw new Error(`a bare & in ${JSON.stringify(text.slice(bad.index, bad.index + 40))}`)
    if (next < 0) break
    tagAt.lastIndex = next
    const found = tagAt.exec(markup)
    if (!found) throw new Error(`no tag at ${JSON.stringify(markup.slice(next, next + 60))}`)
    const [whole, closing, name, attributes, selfClosing] = found
    if (/&(?!(?:amp|lt|gt|quot|#39);)/.test(attributes)) throw new Error(`a bare & in ${whole}`)
    if (closing) {
      const last = open.pop()
      if (last !== name) throw new Error(`</${name}> closes <${last}>`)
    } else if (!selfClosing && !voids.includes(name)) open.push(name)
    at = next + whole.length
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)}> is never closed`)
}
