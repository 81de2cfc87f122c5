// The script that brings the tiny GPT into a snapshot, with the worker that trains it.
import './lab.ts'
import { LabGpt } from '../../screens/lab/lab-gpt.tsx'
import { held } from './held.ts'

held.gpt = LabGpt
