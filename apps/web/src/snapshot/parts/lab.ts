// The script that brings the Lab's toys into a snapshot.
import '../main.tsx'
import { LabPage } from '../../screens/lab/lab-page.tsx'
import { held } from './held.ts'

held.lab = LabPage
