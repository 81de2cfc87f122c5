// The script that brings the figures of the paper into a snapshot.
import '../main.tsx'
import { FiguresGallery } from '../../screens/figures/figures-gallery.tsx'
import { held } from './held.ts'

held.figures = FiguresGallery
