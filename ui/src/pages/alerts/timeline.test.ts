import { describe, expect, it } from 'vitest'
import type { InstanceState, Severity, Transition } from '../../api/alert_types'
import { firingShades } from './firing_shades'
import { joined, lanesOf, placeOf } from './timeline'

const RANGE = { fromMs: 1000, toMs: 2000 }
const at = (ms: number, from: InstanceState, to: InstanceState, severity: Severity | '' = '', fingerprint = 'a'): Transition => ({
  at_unix_nano: `${ms}000000`, rule_id: '1', rule_name: 'Fails', fingerprint, labels: { 'service.name': fingerprint }, from, to, severity, value: 1, message: '',
}) // prettier-ignore

describe('lanesOf', () => {
  it('makes intervals of changes, whatever their order', () => {
    const [lane] = lanesOf([at(1500, 'firing', 'inactive', 'critical'), at(1200, 'inactive', 'pending'), at(1300, 'pending', 'firing', 'critical')], RANGE)
    expect(lane?.intervals).toEqual([
      { fromMs: 1200, toMs: 1300, state: 'pending', severity: '', open: false },
      { fromMs: 1300, toMs: 1500, state: 'firing', severity: 'critical', open: false },
    ])
  })
  it('begins with what was before the first change, and lets the last one go on', () => {
    const [lane] = lanesOf([at(1400, 'firing', 'no_data', 'warning')], RANGE)
    expect(lane?.intervals).toEqual([
      { fromMs: 1000, toMs: 1400, state: 'firing', severity: 'warning', open: false },
      { fromMs: 1400, toMs: 2000, state: 'no_data', severity: 'warning', open: true },
    ])
  })
  it('has a lane for each instance, the newest change first', () => {
    expect(lanesOf([at(1200, 'inactive', 'firing', 'critical', 'a'), at(1700, 'inactive', 'firing', 'critical', 'b')], RANGE).map(({ key }) => key)).toEqual(['b', 'a'])
  })
})

describe('placeOf', () => {
  it('cuts what lies outside', () => {
    expect(placeOf({ fromMs: 500, toMs: 1500 }, RANGE)).toEqual({ left: 0, width: 0.5 })
    expect(placeOf({ fromMs: 2500, toMs: 3000 }, RANGE)).toEqual({ left: 1, width: 0 })
  })
})

describe('joined', () => {
  it('makes one of what overlaps or touches', () => {
    expect(joined([{ fromMs: 5, toMs: 7 }, { fromMs: 1, toMs: 3 }, { fromMs: 3, toMs: 4 }, { fromMs: 6, toMs: 9 }])).toEqual([{ fromMs: 1, toMs: 4 }, { fromMs: 5, toMs: 9 }]) // prettier-ignore
  })
})

describe('firingShades', () => {
  const changes = [at(1200, 'inactive', 'firing', 'critical', 'cart'), at(1400, 'inactive', 'firing', 'warning', 'shop'), at(1600, 'inactive', 'pending', '', 'shop2')]
  it('are of what fired, in the colour of its severity', () => {
    expect(firingShades(changes, RANGE, null).map(({ fromMs, color }) => [fromMs, color])).toEqual([[1400, '--warn-mark'], [1200, '--error-mark']]) // prettier-ignore
  })
  it('are only of the services that are meant', () => {
    expect(firingShades(changes, RANGE, ['cart']).map(({ fromMs }) => fromMs)).toEqual([1200])
    expect(firingShades(changes, RANGE, [])).toEqual([])
  })
})
