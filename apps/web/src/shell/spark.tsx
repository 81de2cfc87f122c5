// A curve the size of a word. Its numbers stand beside it.
export const SparkLine = ({
  values,
  width = 64,
  height = 18,
  colour = 'currentColor',
}: {
  values: readonly number[]
  width?: number
  height?: number
  colour?: string
}) => {
  if (values.length < 2) return <svg class="spark" width={width} height={height} aria-hidden="true" />
  let [low, high] = [Infinity, -Infinity]
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)]
  // In tenths of a pixel, whole: of a list that is live hundreds of numbers are written at every tick.
  const y = (value: number): number =>
    Math.round(10 * (high > low ? height - 2 - ((value - low) / (high - low)) * (height - 4) : height / 2))
  const wide = (10 * (width - 2)) / (values.length - 1)
  let path = ''
  for (let i = 0; i < values.length; i++) path += `${i === 0 ? 'M' : 'L'}${Math.round(i * wide + 10)} ${y(values[i])}`
  return (
    <svg class="spark" viewBox={`0 0 ${10 * width} ${10 * height}`} width={width} height={height} aria-hidden="true">
      <path d={path} fill="none" stroke={colour} stroke-width="14" />
    </svg>
  )
}
