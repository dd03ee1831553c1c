import { describe, expect, it } from 'vitest'
import type { DashboardDocument, DashboardPanel, DashboardVariable } from '../../api/types'
import { boxesOf, chosenOf, choiceParam, copyTitle, dependsOn, fileName, freeId, shareState, withCopy, withoutPanel, withPanel } from './dashboard_view'

const variable = (more: Partial<DashboardVariable> = {}): DashboardVariable => ({ name: 'v', kind: 'field', field: 'name', ...more })
const panel = (id: string, y = 0): DashboardPanel => ({ id, grid: { x: 0, y, w: 24, h: 4 }, display: 'line' })
const document: DashboardDocument = { schema: 1, title: 'T', panels: [panel('p1'), panel('p2', 4)] }

describe('variables', () => {
  it('have what the URL says, else their default, else all or the first', () => {
    expect(chosenOf(variable({ multi: true }), ['a', 'b'], null)).toEqual({ values: ['a', 'b'], all: false })
    expect(chosenOf(variable(), ['a', 'b'], null)).toEqual({ values: ['a'], all: false })
    expect(chosenOf(variable({ all: true }), ['*'], ['x'])).toEqual({ values: ['x'], all: true })
    expect(chosenOf(variable({ default: ['d'] }), [], ['x'])).toEqual({ values: ['d'], all: false })
    expect(chosenOf(variable({ all: true }), [], null)).toEqual({ values: [], all: true })
    expect(chosenOf(variable(), [], ['x', 'y'])).toEqual({ values: ['x'], all: false })
    expect(chosenOf(variable(), [], null)).toBeNull()
  })
  it('that have their default need no parameter', () => {
    expect(choiceParam(variable({ all: true }), { values: [], all: true })).toBeNull()
    expect(choiceParam(variable({ all: true, default: ['d'] }), { values: [], all: true })).toBe('*')
    expect(choiceParam(variable(), { values: ['a'], all: false })).toEqual(['a'])
  })
  it('depend on those that their filter names', () => {
    const all = [variable({ name: 'a' }), variable({ name: 'b', filter: '{ x = $a && y = $c }' }), variable({ name: 'c' })]
    expect(dependsOn(all, 1)).toEqual(['a'])
  })
})

describe('panels', () => {
  it('are put in, replaced and taken out', () => {
    expect(withPanel(document, { ...panel('p2', 4), title: 'x' }).panels[1]?.title).toBe('x')
    expect(withPanel(document, panel('p3', 8)).panels).toHaveLength(3)
    expect(withoutPanel(document, 'p1').panels).toEqual([panel('p2', 0)])
    expect(freeId(document.panels)).toBe('p3')
  })
  it('are copied below', () => {
    const copy = withCopy(document, document.panels[0]!)
    expect(copy.panels[2]).toMatchObject({ id: 'p3', title: 'copy', grid: { x: 0, y: 8, w: 24, h: 4 } })
    expect(boxesOf(copy.panels).map((box) => box.y)).toEqual([0, 4, 8])
  })
})

it('a share link keeps time and variables only', () => {
  expect(shareState(new URLSearchParams('last=6h&var-service=a&var-service=b&panel=p1&edit=1'))).toBe('last=6h&var-service=a&var-service=b')
})

it('files are called as the dashboard is', () => {
  expect(fileName('Überblick: Shop / Kasse')).toBe('überblick-shop-kasse.json')
  expect(fileName('///')).toBe('dashboard.json')
})

it('a copy has a title that is not too long, whatever it is written in', () => {
  expect(copyTitle('Shop')).toBe('Shop copy')
  const copied = copyTitle('服'.repeat(66))
  expect(new TextEncoder().encode(copied).length).toBeLessThanOrEqual(200)
  expect(copied).toBe(`${'服'.repeat(65)} copy`)
})
