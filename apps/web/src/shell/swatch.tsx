// How a line looks, beside its name: colour, dash and marker, so that colour is never alone.
import { markerPath, type Look } from '@ldyn/figures'
import { useApp } from './context.ts'

export const Swatch = ({ look }: { look: Look }) => {
  const colour = look[useApp().dark.value ? 'dark' : 'light']
  return (
    <svg class="swatch" viewBox="0 0 24 14" width="24" height="14" aria-hidden="true">
      <path d="M0 7h24" stroke={colour} stroke-width={look.width} stroke-dasharray={look.dash || undefined} />
      <path d={markerPath(look.marker, 12, 7, 2.5)} fill={colour} />
    </svg>
  )
}
