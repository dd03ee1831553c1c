// Dashboards in Chromium against the real program: one is built from nothing, changed, saved, exported, imported and shared; those
// that are ready show what the data has.
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityViolations, Browser, problems, settled, Sightline, waitUntil, type PageOptions } from './harness'
import { logsRequest, tracesRequest, type SpanSketch } from './otlp'

const SHOTS = process.env.SIGHTLINE_SCREENSHOTS ?? join(import.meta.dirname, '../../build/test-results/screenshots')
const REQUESTS = 240
const MS = 1_000_000n

let sightline: Sightline
let browser: Browser

// Numbers with a fixed seed.
let state = 11
const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
const hex = (digits: number) => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('')

function request(startNano: bigint): SpanSketch[] {
  const [root, query, call] = [hex(16), hex(16), hex(16)]
  const route = ['/search', '/cart', '/item/{id}'][Math.floor(random() * 3)]!
  const service = route === '/cart' ? 'checkout' : 'frontend'
  const failed = random() < 0.08
  const took = 20 + Math.floor(random() ** 3 * 900)
  const at = (ms: number) => startNano + BigInt(Math.round(ms)) * MS
  return [
    {
      id: root, name: `GET ${route}`, service, kind: 2, startNano: at(0), endNano: at(took),
      attributes: { 'http.request.method': 'GET', 'http.route': route, 'http.response.status_code': failed ? 500 : 200 },
      ...(failed && { status: { code: 2 as const, message: 'no stock' } }),
    },
    { id: query, parent: root, name: 'SELECT items', service, kind: 3, startNano: at(2), endNano: at(2 + took / 4), attributes: { 'db.system.name': 'sqlite', 'db.query.text': 'SELECT name FROM items WHERE id = ?', 'db.operation.name': 'SELECT' } },
    { id: call, parent: root, name: 'GET', service, kind: 3, startNano: at(took / 3), endNano: at(took * 0.9), attributes: { 'http.request.method': 'GET', 'server.address': 'en.wikipedia.org', 'http.response.status_code': 200 } },
  ] // prettier-ignore
}

beforeAll(async () => {
  sightline = await Sightline.start(['--set', 'self_metrics.interval=1s'])
  browser = await Browser.start()
  const now = BigInt(Date.now()) * MS
  for (let i = 0; i < REQUESTS; i++) {
    const start = now - BigInt(Math.floor(random() * 40 * 60 + 5)) * 1000n * MS
    const traceId = hex(32)
    await sightline.send('traces', tracesRequest(traceId, request(start)))
    if (i % 4 === 0) await sightline.send('logs', logsRequest('frontend', traceId, [{ atNano: start, body: `order ${i} taken`, severity: i % 16 === 0 ? 17 : 9 }]))
  }
  await waitUntil(async () => {
    const found = await sightline.ask<{ groups: unknown[]; spans: number }>('/query/groups?by=resource.service.name&last=1h')
    return found?.spans === REQUESTS * 3
  }, 'spans stored')
})

afterAll(async () => {
  await browser?.close()
  await sightline?.close()
})

const open = async (address: string, options: PageOptions = {}) => {
  const page = await browser.page(options)
  await page.goto(address)
  return page
}
const shot = async (page: Page, name: string) => {
  await mkdir(SHOTS, { recursive: true })
  await page.screenshot({ path: join(SHOTS, `${name}.png`) })
}
const panel = (page: Page, title: string): Locator => page.getByRole('region', { name: title, exact: true })
const drawn = async (page: Page) => {
  await settled(page)
  await waitUntil(async () => (await page.locator('.view[aria-busy=true]').count()) === 0, 'all panels drawn')
}

describe('the list of dashboards', () => {
  it('has those that are ready for what the data has first, and is worked by keys', async () => {
    const page = await open(`${sightline.url}/dashboards`)
    const ready = page.getByRole('region', { name: 'Ready for your data' })
    await ready.getByRole('link', { name: 'HTTP server' }).waitFor()
    for (const name of ['Service overview', 'HTTP client', 'Databases', 'Logs overview']) expect(await ready.getByRole('link', { name }).count()).toBe(1)
    expect(await page.getByRole('region', { name: 'Ready when such data comes' }).getByRole('link', { name: 'JVM runtime' }).count()).toBe(1)
    await shot(page, 'dashboards-list-light')
    expect(await accessibilityViolations(page)).toEqual([])
    await page.keyboard.press('/')
    await page.keyboard.type('http')
    await waitUntil(async () => (await page.locator('a.title').count()) === 2, 'two are found')
    await page.keyboard.press('Escape')
    expect(problems(page)).toEqual([])
    await page.close()
  })
})

describe('ready dashboards', () => {
  it.each(['ready-service-overview', 'ready-http-server', 'ready-http-client', 'ready-databases', 'ready-logs-overview', 'ready-sightline'])('%s shows what is stored', async (id) => {
    const page = await open(`${sightline.url}/dashboards/${id}?last=1h`, { width: 1440, height: 1000 })
    await drawn(page)
    expect(await page.getByRole('alert').count()).toBe(0)
    await shot(page, `dashboard-${id}-light`)
    expect(await accessibilityViolations(page)).toEqual([])
    expect(problems(page)).toEqual([])
    await page.close()
  })
  it('read well in the dark and on a narrow screen', async () => {
    const dark = await open(`${sightline.url}/dashboards/ready-service-overview?last=1h`, { theme: 'dark', width: 1440, height: 1000 })
    await drawn(dark)
    await shot(dark, 'dashboard-ready-service-overview-dark')
    expect(await accessibilityViolations(dark)).toEqual([])
    await dark.close()
    const narrow = await open(`${sightline.url}/dashboards/ready-http-server?last=1h`, { width: 420, height: 900 })
    await drawn(narrow)
    await shot(narrow, 'dashboard-ready-http-server-narrow')
    await narrow.close()
  })
  it('ask only for the panels that are near the window', async () => {
    const page = await browser.page({ width: 1440, height: 500 })
    const asked: string[] = []
    page.on('request', (request) => request.url().includes('/api/v1/') && asked.push(new URL(request.url()).pathname.replace('/api/v1', '')))
    await page.goto(`${sightline.url}/dashboards/ready-service-overview?last=1h`)
    await drawn(page)
    expect(asked.filter((path) => path === '/metrics/query').length).toBeGreaterThan(3)
    expect(asked).not.toContain('/logs/volume')
    await page.locator('[data-panel=p12]').scrollIntoViewIfNeeded()
    await waitUntil(() => Promise.resolve(asked.includes('/logs/volume')), 'the last panel asks when it is seen')
    await page.close()
  })
  it('turn into bars, a table and a value by a click, and group by another field', async () => {
    const page = await open(`${sightline.url}/dashboards/ready-http-server?last=1h`, { width: 1440, height: 1000 })
    await drawn(page)
    const routes = panel(page, 'Requests by route')
    await routes.hover()
    await routes.getByRole('button', { name: 'Table', exact: true }).click()
    await routes.getByRole('table', { name: 'Requests by route' }).waitFor()
    expect(await routes.getByRole('row').count()).toBe(4)
    await routes.getByRole('button', { name: /by:? .*http\.route/ }).click()
    await page.getByRole('option', { name: 'resource.service.name' }).click()
    await waitUntil(async () => (await routes.getByRole('row').count()) === 3, 'a row for each service')
    await routes.hover()
    await routes.getByRole('button', { name: 'Bars over time' }).click()
    await routes.getByRole('img', { name: /2 series/ }).waitFor()
    await page.close()
  })
  it('lead from a value to the traces behind it', async () => {
    const page = await open(`${sightline.url}/dashboards/ready-http-server?last=1h`, { width: 1440, height: 1600 })
    await drawn(page)
    await panel(page, 'Calls by endpoint and status').getByRole('button', { name: /^(frontend|checkout)$/ }).first().click()
    await page.getByRole('menuitem', { name: 'Traces' }).click()
    await page.waitForURL(/\/traces\?/)
    expect(new URL(page.url()).searchParams.get('q')).toContain('span.http.route =')
    await page.close()
  })
})

describe('a dashboard of one’s own', () => {
  it('is built from nothing, saved, exported, imported and shared', async () => {
    const page = await open(`${sightline.url}/dashboards`, { width: 1440, height: 1000 })
    await page.getByRole('link', { name: 'New dashboard' }).click()
    await page.getByRole('button', { name: 'Add a panel' }).click()
    const editor = page.getByRole('dialog', { name: 'Panel' })
    await editor.getByRole('textbox', { name: 'Title' }).fill('Spans by name')
    await editor.getByRole('textbox', { name: 'Query A' }).fill('{ resource.service.name =~ $service } | rate() by (name)')
    await editor.getByRole('img', { name: /5 series/ }).waitFor()
    await shot(page, 'dashboard-editor-light')
    await editor.getByRole('button', { name: 'Apply' }).click()
    await page.getByRole('button', { name: 'Panel', exact: true }).click()
    await editor.getByRole('textbox', { name: 'Title' }).fill('Words')
    await editor.getByRole('button', { name: /^Draw as|^as / }).click()
    await page.getByRole('menuitemradio', { name: 'Text' }).click()
    await editor.getByRole('textbox', { name: 'Markdown' }).fill('**Bold** and <b>no HTML</b> of $service')
    await editor.getByRole('button', { name: 'Apply' }).click()
    expect(await panel(page, 'Words').locator('strong').textContent()).toBe('Bold')
    expect(await panel(page, 'Words').textContent()).toContain('<b>no HTML</b> of all')

    // Moved by keys, resized by the pointer.
    const words = page.locator('.cell', { has: panel(page, 'Words') })
    const before = (await words.boundingBox())!
    await page.getByRole('button', { name: /Move Spans by name/ }).focus()
    await page.keyboard.press('ArrowDown')
    await waitUntil(async () => (await page.getByRole('status').filter({ hasText: 'Spans by name: column 1' }).count()) > 0, 'the move is told')
    const corner = (await page.getByRole('button', { name: /Resize Words/ }).boundingBox())!
    await page.mouse.move(corner.x + corner.width / 2, corner.y + corner.height / 2)
    await page.mouse.down()
    await page.mouse.move(corner.x - 200, corner.y + 80, { steps: 5 })
    await page.mouse.up()
    await waitUntil(async () => ((await words.boundingBox())?.height ?? 0) > before.height, 'the panel is higher')

    // A series becomes bars, for good while it is edited.
    const spans = panel(page, 'Spans by name')
    await spans.hover()
    await spans.getByRole('button', { name: 'Bars over time' }).click()
    await page.getByText('Not saved').waitFor()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.waitForURL(/\/dashboards\/\d+/)
    await page.reload()
    await drawn(page)
    const id = /\/dashboards\/(\d+)/.exec(page.url())![1]!
    const kept = await sightline.ask<{ document: { panels: { display: string; title: string }[] } }>(`/dashboards/${id}`)
    expect(kept?.document.panels.map((one) => [one.title, one.display])).toEqual([['Spans by name', 'bars'], ['Words', 'text']]) // prettier-ignore
    await shot(page, 'dashboard-own-light')
    expect(await accessibilityViolations(page)).toEqual([])

    // Out and in again.
    await page.getByRole('button', { name: 'More', exact: true }).click()
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'Export as JSON' }).click()])
    expect(file.suggestedFilename()).toBe('new-dashboard.json')
    const exported = await readFile(await file.path(), 'utf8')
    expect(JSON.parse(exported)).toEqual(kept?.document)
    await page.goto(`${sightline.url}/dashboards`)
    await page.getByRole('button', { name: 'Import' }).click()
    const dialog = page.getByRole('dialog', { name: 'Import a dashboard' })
    await dialog.getByRole('textbox', { name: 'JSON' }).fill(exported.replace('"bars"', '"pies"'))
    await dialog.getByRole('button', { name: 'Import' }).click()
    await dialog.getByRole('alert').filter({ hasText: 'panels[0].display' }).waitFor()
    await dialog.getByRole('textbox', { name: 'JSON' }).fill(exported.replace('New dashboard', 'Imported'))
    await dialog.getByRole('button', { name: 'Import' }).click()
    await page.waitForURL(/\/dashboards\/\d+/)
    await panel(page, 'Words').waitFor()

    // Shared with the variables that are chosen.
    await page.goto(`${sightline.url}/dashboards/${id}?last=1h&var-service=checkout`)
    await panel(page, 'Words').getByText('of checkout').waitFor()
    await page.getByRole('button', { name: 'Share' }).click()
    await page.getByRole('button', { name: 'Make a link' }).click()
    const href = await page.getByRole('list', { name: 'Share links' }).getByRole('link').getAttribute('href')
    const other = await open(`${sightline.url}${href}`, { width: 1440, height: 800 })
    await panel(other, 'Words').getByText('of checkout').waitFor()
    expect(await other.getByRole('button', { name: 'Edit' }).count()).toBe(0)
    await page.getByRole('button', { name: 'End' }).click()
    await waitUntil(async () => (await page.getByRole('list', { name: 'Share links' }).getByRole('link').count()) === 0, 'the link is ended')
    await other.reload()
    await other.getByText('This link shows nothing any more').waitFor()
    await other.close()
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('says who changed it meanwhile, and loses nothing of what was edited', async () => {
    const document = { schema: 1, title: 'Of two people', panels: [] }
    const made = await fetch(`${sightline.url}/api/v1/dashboards`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ document }) })
    const { id } = (await made.json()) as { id: string }
    const page = await open(`${sightline.url}/dashboards/${id}?edit=1`)
    await page.getByRole('button', { name: 'Settings', exact: true }).click()
    await page.getByRole('dialog').getByRole('textbox', { name: 'Title' }).fill('Mine')
    await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click()
    await fetch(`${sightline.url}/api/v1/dashboards/${id}`, { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ version: 1, document: { ...document, title: 'Theirs' } }) })
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText(/was changed meanwhile/).waitFor()
    await page.reload()
    await page.getByText('Not saved').waitFor()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('button', { name: 'Save mine over it' }).click()
    await waitUntil(async () => (await sightline.ask<{ document: { title: string } }>(`/dashboards/${id}`))?.document.title === 'Mine', 'mine is kept')
    await page.close()
  })
})

describe('what a dashboard is made of', () => {
  interface Panel {
    id: string
    title?: string
    grid: { x: number; y: number; w: number; h: number }
    display: string
    queries?: object[]
    options?: object
  }
  const panelOf = (id: string, more: Partial<Panel>): Panel => ({ id, title: id, grid: { x: 0, y: 0, w: 12, h: 8 }, display: 'line', ...more })
  const spans = (query: string, more: object = {}) => [{ name: 'A', source: 'traceql', query, ...more }]
  async function make(more: object): Promise<string> {
    const made = await fetch(`${sightline.url}/api/v1/dashboards`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ document: { schema: 1, title: 'Made', panels: [], ...more } }) })
    const body = (await made.json()) as { id: string; error?: { message: string } }
    if (made.status !== 201) throw new Error(body.error?.message)
    return body.id
  }
  const kept = (id: string) => sightline.ask<{ version: number; document: { panels: Panel[] } }>(`/dashboards/${id}`)

  it('variables follow those before them, and compare kinds, statuses and numbers', async () => {
    const id = await make({
      variables: [
        { name: 'service', kind: 'field', field: 'resource.service.name', default: ['frontend'] },
        { name: 'route', kind: 'field', field: 'span.http.route', filter: '{ resource.service.name = $service && kind = server }', all: true, multi: true },
        { name: 'kind', kind: 'field', field: 'kind', all: true, multi: true },
        { name: 'code', kind: 'field', field: 'span.http.response.status_code', all: true },
        { name: 'label', kind: 'label', metric: 'traces.span.metrics.calls', field: 'service.name' },
      ],
      panels: [
        panelOf('Routes', { display: 'table', queries: spans('{ resource.service.name = $service && span.http.route =~ $route && kind = server }', { group_by: ['span.http.route'] }) }),
        panelOf('Kinds', { display: 'table', grid: { x: 12, y: 0, w: 12, h: 8 }, queries: spans('{ kind = $kind }', { group_by: ['kind'] }) }),
        panelOf('Codes', { display: 'table', grid: { x: 0, y: 8, w: 12, h: 8 }, queries: spans('{ kind = server && span.http.response.status_code = $code }', { group_by: ['span.http.response.status_code'] }) }),
        panelOf('Words', { display: 'text', grid: { x: 12, y: 8, w: 12, h: 8 }, options: { text: 'First label: $label' } }),
      ],
    })
    const page = await open(`${sightline.url}/dashboards/${id}?last=1h`, { width: 1440, height: 1000 })
    const rows = async (title: string) => (await panel(page, title).locator('tbody tr').evaluateAll((all) => all.map((row) => row.querySelector('td')?.textContent?.trim() ?? ''))).sort()
    await waitUntil(async () => (await rows('Routes')).join() === '/item/{id},/search', 'routes of the frontend')
    await waitUntil(async () => (await rows('Kinds')).join() === 'client,server', 'all kinds')
    await waitUntil(async () => (await rows('Codes')).join() === '200,500', 'all codes')
    expect(await panel(page, 'Words').textContent()).toContain('First label: frontend')
    // Routes are asked for anew when the service is another one.
    const group = (name: string) => page.getByRole('group', { name, exact: true })
    await group('service').getByRole('button').click()
    await page.getByRole('option', { name: 'checkout' }).click()
    await waitUntil(async () => (await rows('Routes')).join() === '/cart', 'routes of the checkout')
    await group('route').getByRole('button').click()
    await waitUntil(async () => (await page.getByRole('option').allTextContents()).join().includes('/cart'), 'its routes are offered')
    expect((await page.getByRole('option').allTextContents()).join()).not.toContain('/search')
    await page.keyboard.press('Escape')
    await page.goto(`${sightline.url}/dashboards/${id}?last=1h&var-kind=client&var-code=500`)
    await waitUntil(async () => (await rows('Kinds')).join() === 'client', 'one kind')
    await waitUntil(async () => (await rows('Codes')).join() === '500', 'one code')
    await page.goto(`${sightline.url}/dashboards/${id}?last=1h&var-kind=client&var-kind=server`)
    await waitUntil(async () => (await rows('Kinds')).join() === 'client,server', 'two kinds')
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('annotations are marked, and can be hidden', async () => {
    const at = (BigInt(Date.now()) - 1_200_000n) * MS
    const id = await make({
      annotations: [{ kind: 'text', time_unix_nano: String(at), text: 'sale began' }, { kind: 'deployments', service: 'frontend' }],
      panels: [panelOf('Spans', { queries: spans('{ } | rate()') })],
    })
    const page = await open(`${sightline.url}/dashboards/${id}?last=1h`, { width: 1440, height: 800 })
    await panel(page, 'Spans').getByRole('img', { name: /marked: sale began/ }).waitFor()
    await shot(page, 'dashboard-annotations-light')
    await page.getByRole('button', { name: 'Annotations' }).click()
    await waitUntil(async () => (await panel(page, 'Spans').getByRole('img', { name: /marked/ }).count()) === 0, 'nothing is marked')
    expect(new URL(page.url()).searchParams.get('marks')).toBe('off')
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('one that was deleted comes back at its place, with its links', async () => {
    const id = await make({ title: 'To be deleted', panels: [panelOf('Spans', { queries: spans('{ } | rate()') })] })
    const share = await fetch(`${sightline.url}/api/v1/dashboards/${id}/shares`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ state: '' }) })
    const { token } = (await share.json()) as { token: string }
    const page = await open(`${sightline.url}/dashboards/${id}`)
    await page.getByRole('button', { name: 'More', exact: true }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page.waitForURL(/\/dashboards$|\/dashboards\?/)
    expect(await page.getByRole('link', { name: 'To be deleted' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.waitForURL(new RegExp(`/dashboards/${id}`))
    await panel(page, 'Spans').waitFor()
    await page.goto(`${sightline.url}/shared/${token}`)
    await panel(page, 'Spans').waitFor()
    // From the list too.
    await page.goto(`${sightline.url}/dashboards`)
    await page.getByRole('button', { name: 'Delete To be deleted' }).click()
    await waitUntil(async () => (await page.getByRole('link', { name: 'To be deleted' }).count()) === 0, 'it is gone')
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByRole('link', { name: 'To be deleted' }).waitFor()
    expect((await kept(id))?.version).toBe(1)
    await page.close()
  })

  it('panels are dragged by the pointer, and Escape puts them back', async () => {
    const id = await make({
      panels: [panelOf('Left', { display: 'text', options: { text: 'left' } }), panelOf('Right', { display: 'text', grid: { x: 12, y: 0, w: 12, h: 8 }, options: { text: 'right' } })],
    })
    const page = await open(`${sightline.url}/dashboards/${id}?edit=1`, { width: 1440, height: 900 })
    const cell = (title: string) => page.locator('.cell', { has: panel(page, title) })
    const left = async (title: string) => (await cell(title).boundingBox())!.x
    await page.getByRole('button', { name: /Move Left/ }).waitFor()
    const handle = (await page.getByRole('button', { name: /Move Left/ }).boundingBox())!
    const before = { left: await left('Left'), right: await left('Right') }
    const drag = async () => {
      await page.mouse.move(handle.x + 40, handle.y + 12)
      await page.mouse.down()
      await page.mouse.move(handle.x + 700, handle.y + 14, { steps: 8 })
      await waitUntil(async () => (await left('Left')) > before.left + 300, 'it follows the pointer')
    }
    await drag()
    await page.keyboard.press('Escape')
    await waitUntil(async () => (await left('Left')) === before.left, 'it is back')
    await page.mouse.up()
    expect(await page.getByText('Not saved').count()).toBe(0)
    await drag()
    await page.mouse.up()
    await page.getByText('Not saved').waitFor()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await waitUntil(async () => ((await kept(id))?.version ?? 0) === 2, 'it is saved')
    const grids = Object.fromEntries((await kept(id))!.document.panels.map((one) => [one.title, one.grid]))
    expect(grids.Left!.x).toBeGreaterThan(0)
    expect(await page.evaluate((name) => localStorage.getItem(name), `sightline.dashboard.draft.${id}`)).toBeNull()
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('the editor completes queries, says what is wrong where it is, and loses nothing', async () => {
    const id = await make({ variables: [{ name: 'service', kind: 'field', field: 'resource.service.name', all: true }], panels: [panelOf('Spans', { queries: spans('') })] })
    const page = await open(`${sightline.url}/dashboards/${id}?edit=1&last=1h`, { width: 1440, height: 1000 })
    await page.getByRole('button', { name: 'More for Spans' }).click()
    await page.getByRole('menuitem', { name: 'Edit' }).click()
    const editor = page.getByRole('dialog', { name: 'Panel' })
    const query = editor.getByRole('textbox', { name: 'Query A' })
    await query.fill('{ resource.service.name = ')
    await editor.getByRole('option', { name: '$service' }).waitFor()
    await editor.getByRole('option', { name: '"checkout"' }).click()
    await waitUntil(async () => (await query.inputValue()).startsWith('{ resource.service.name = "checkout"'), 'it is taken')
    await query.fill('{ status = errr } | rate()')
    await editor.locator('.query').getByRole('alert').filter({ hasText: 'errr' }).waitFor()
    await shot(page, 'dashboard-editor-wrong-light')
    await query.fill('{ status = error } | rate() by (name)')
    await editor.getByRole('img', { name: /series/ }).waitFor()
    await drawn(page)
    expect(await accessibilityViolations(page)).toEqual([])
    await page.keyboard.press('Escape') // the list of completions, if it is there
    if (await editor.isVisible()) await page.keyboard.press('Escape')
    await editor.waitFor({ state: 'hidden' })
    await page.getByRole('button', { name: 'Undo' }).click()
    await waitUntil(async () => (await query.inputValue()) === '{ status = error } | rate() by (name)', 'what was written is there')
    // A list with columns of one's choice.
    await editor.getByRole('button', { name: /^Draw as|^as / }).click()
    await page.getByRole('menuitemradio', { name: 'List of log records' }).click()
    await editor.getByRole('textbox', { name: 'Columns' }).fill('time, resource.host.name, trace:id, body')
    await editor.getByRole('textbox', { name: 'Columns' }).press('Tab')
    await query.fill('order')
    await editor.getByText('frontend-0').or(editor.locator('.cell').first()).first().waitFor()
    await editor.getByRole('button', { name: 'Apply' }).click()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await waitUntil(async () => ((await kept(id))?.version ?? 0) === 2, 'it is saved')
    expect((await kept(id))?.document.panels[0]?.options).toEqual({ columns: ['time', 'resource.host.name', 'trace:id', 'body'] })
    // One panel on the whole screen by a key, and back.
    await panel(page, 'Spans').hover()
    await page.keyboard.press('f')
    await page.getByRole('button', { name: 'All panels' }).waitFor()
    await page.keyboard.press('Escape')
    await waitUntil(() => Promise.resolve(new URL(page.url()).searchParams.get('panel') === null), 'all panels again')
    await page.close()
  })
})
