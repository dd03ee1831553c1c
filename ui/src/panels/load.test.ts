import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiFailure } from '../api/failure'
import type { DashboardPanel } from '../api/types'
import type { Variables } from '../base/variables'

const api = vi.hoisted(() => ({ querySeries: vi.fn(), queryMetrics: vi.fn(), searchLogs: vi.fn(), runSql: vi.fn(), queryGroups: vi.fn() }))
vi.mock('../api/client', () => ({ api }))
const { loadPanel } = await import('./load')

const range = { params: { last: '1h' }, fromMs: 0, toMs: 3_600_000, nowMs: 3_600_000 }
const variables: Variables = new Map([['service', { values: ['shop'], all: false }]])
const load = (panel: Partial<DashboardPanel>) => loadPanel({ id: 'p', grid: { x: 0, y: 0, w: 1, h: 1 }, display: 'line', ...panel }, variables, range, new AbortController().signal)
const grid = { from_unix_nano: '0', to_unix_nano: '60000000000', step_seconds: 60, scanned: {} }

beforeEach(() => vi.resetAllMocks())

describe('what is wrong is said at its place', () => {
  it('of a variable that is not there', async () => {
    const queries = [{ name: 'A', source: 'metrics', metric: 'm' }, { name: 'B', source: 'metrics', metric: 'n', query: '{ .a = $none }' }] as const
    await expect(load({ queries: [...queries] })).rejects.toMatchObject({ where: 'queries[1].query', message: 'there is no variable $none' })
    expect(api.queryMetrics).not.toHaveBeenCalled()
  })
  it('of a query that the server does not take', async () => {
    api.querySeries.mockImplementation(({ q }: { q: string }) => (q.includes('bad') ? Promise.reject(new ApiFailure('INVALID_ARGUMENT', 'column 3: no', 'q', 'hint', 400)) : Promise.resolve({ ...grid, series: [], is_cut: false, one_in: 1 })))
    const queries = [{ name: 'A', source: 'traceql', query: '{ } | rate()' }, { name: 'B', source: 'traceql', query: '{ bad } | rate()' }] as const
    await expect(load({ queries: [...queries] })).rejects.toMatchObject({ where: 'queries[1].query', message: 'column 3: no', hint: 'hint', status: 400 })
    api.runSql.mockRejectedValue(new ApiFailure('INVALID_ARGUMENT', 'syntax', null, null, 400))
    await expect(load({ queries: [{ name: 'A', source: 'sql', query: 'SELECT' }] })).rejects.toMatchObject({ where: 'queries[0].query' })
  })
  it('but not of a server that is not there, or of a range', async () => {
    api.runSql.mockRejectedValue(new ApiFailure('NO_ANSWER', 'gone'))
    await expect(load({ queries: [{ name: 'A', source: 'sql', query: 'SELECT 1' }] })).rejects.toMatchObject({ code: 'NO_ANSWER', where: null })
    api.queryGroups.mockRejectedValue(new ApiFailure('INVALID_ARGUMENT', 'empty', 'from'))
    await expect(load({ display: 'table', queries: [{ name: 'A', source: 'traceql', query: '{ }' }] })).rejects.toMatchObject({ where: 'from' })
  })
})

it('every query is asked, with what is chosen', async () => {
  api.querySeries.mockResolvedValue({ ...grid, series: [], is_cut: false, one_in: 1 })
  await load({ queries: [{ name: 'A', source: 'traceql', query: '{ resource.service.name = $service } | rate()' }, { name: 'B', source: 'traceql', query: '{ } | rate()', top: 5 }] })
  expect(api.querySeries.mock.calls.map(([question]) => question as unknown)).toEqual([
    { last: '1h', q: '{ resource.service.name = "shop" } | rate()', limit: 20 },
    { last: '1h', q: '{ } | rate()', limit: 5 },
  ])
})

it('log records know their resources', async () => {
  api.searchLogs.mockResolvedValue({ logs: [{ resource: 'r', scope: {} }], attribute_sets: { r: { attributes: { 'host.name': 'h' }, schema_url: '' } }, next_cursor: null })
  expect(await load({ display: 'logs', queries: [{ name: 'A', source: 'logs', query: '' }] })).toMatchObject({ kind: 'logs', logs: [{ resourceSet: { attributes: { 'host.name': 'h' } } }] })
})
