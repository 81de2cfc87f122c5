import { describeBackend } from '@ldyn/testkit'
import { missing, onNode } from './linked.ts'

const why = await missing()
describeBackend({ name: 'tfjs', create: () => onNode(why) })
