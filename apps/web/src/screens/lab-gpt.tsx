import type { LabProps } from './lab-page.tsx'
export const LabGpt = (_: LabProps) => <p>…</p>
