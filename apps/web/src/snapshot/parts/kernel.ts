// The script that brings the screen of kernels into a snapshot.
import '../main.tsx'
import { KernelView } from '../../screens/kernel/kernel-view.tsx'
import { held } from './held.ts'

held.kernel = KernelView
