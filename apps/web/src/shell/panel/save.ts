// Files that the page makes.

const hand = (name: string, blob: Blob): void => {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

export const saveBytes = (name: string, type: string, bytes: Uint8Array): void =>
  hand(name, new Blob([bytes as Uint8Array<ArrayBuffer>], { type }))

export const saveFile = (name: string, type: string, text: string): void =>
  hand(name, new Blob([text], { type }))

/** The SVG as a picture, twice its size unless told. Rejects where the browser cannot draw it. */
export const savePng = async (name: string, svg: string, scale = 2): Promise<void> => {
  const image = new Image()
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`
  await image.decode()
  const canvas = document.createElement('canvas')
  canvas.width = image.naturalWidth * scale
  canvas.height = image.naturalHeight * scale
  canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height)
  const blob = await new Promise<Blob | null>(done => canvas.toBlob(done, 'image/png'))
  if (blob) hand(name, blob)
}
