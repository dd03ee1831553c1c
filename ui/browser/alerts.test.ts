// Alerts in Chromium against the real program: a rule is made of a chart, tried over what is stored, saved, and fires of what comes in.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityViolations, Browser, problems, settled, Sightline, waitUntil, type PageOptions } from './harness'
import { tracesRequest, type SpanSketch } from './otlp'

const SHOTS = process.env.SIGHTLINE_SCREENSHOTS ?? join(import.meta.dirname, '../../build/test-results/screenshots')
const MS = 1_000_000n
const MINUTE_MS = 60_000
const BAD_FROM_MIN = 20 // checkout failed from so long ago
const BAD_TO_MIN = 10

let sightline: Sightline
let browser: Browser

// Numbers with a fixed seed.
let state = 5
const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
const hex = (digits: number) => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('')

function request(service: string, atMs: number, failed: boolean): SpanSketch {
  const startNano = BigInt(Math.round(atMs)) * MS
  return { id: hex(16), name: `GET /${service}`, service, kind: 2, startNano, endNano: startNano + 20n * MS, ...(failed && { status: { code: 2 as const, message: 'no stock' } }) }
}
const send = (service: string, atMs: number, failed: boolean) => sightline.send('traces', tracesRequest(hex(32), [request(service, atMs, failed)]))

beforeAll(async () => {
  sightline = await Sightline.start()
  browser = await Browser.start()
  const now = Date.now()
  let spans = 0
  for (let minute = 50; minute >= 1; minute--) {
    for (const service of ['checkout', 'cart']) {
      for (let i = 0; i < 4; i++) {
        await send(service, now - minute * MINUTE_MS + i * 12_000, service === 'checkout' && minute <= BAD_FROM_MIN && minute > BAD_TO_MIN)
        spans++
      }
    }
  }
  await waitUntil(async () => (await sightline.ask<{ spans: number }>('/query/groups?by=resource.service.name&last=1h'))?.spans === spans, 'spans stored')
})

afterAll(async () => {
  await browser?.close()
  await sightline?.close()
})

const open = async (path: string, options: PageOptions = {}) => {
  const page = await browser.page(options)
  await page.goto(`${sightline.url}${path}`)
  return page
}
const shot = async (page: Page, name: string) => {
  await mkdir(SHOTS, { recursive: true })
  await page.screenshot({ path: join(SHOTS, `${name}.png`) })
}
interface Made {
  id: string
  version: number
}
async function post<T>(path: string, body: unknown, method = 'POST'): Promise<T> {
  const answer = await fetch(`${sightline.url}/api/v1${path}`, { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}
// Fires of any failure of the service, as soon as it is seen, for as long as these tests take.
const quick = (service: string, name: string) => ({
  schema: 1, name, interval: '1s', delay: '1s', window: '30s', keep_firing_for: '10m', labels: { team: 'shop' },
  queries: [{ name: 'A', source: 'traceql', query: `{ resource.service.name = "${service}" && status = error } | count_over_time() by (resource.service.name)` }],
  condition: { kind: 'threshold', op: 'above', critical: 0 },
  annotations: { summary: '{{service.name}} has failures' },
}) // prettier-ignore

describe('without a rule', () => {
  it('the page says what to do next', async () => {
    const page = await open('/alerts')
    await page.getByRole('heading', { name: 'No rule watches anything yet' }).waitFor()
    await shot(page, 'alerts-empty-light')
    expect(await accessibilityViolations(page)).toEqual([])
    await page.getByRole('tabpanel').getByRole('link', { name: 'New rule' }).click()
    await page.waitForURL(/\/alerts\/rules\/new/)
    await page.close()
  })
})

describe('a rule', () => {
  it('is made of a chart: tried while it is written, saved, and found again', async () => {
    const page = await open('/services/checkout?last=1h', { width: 1440, height: 1000 })
    await page.getByRole('link', { name: 'Make an alert of this chart: Share of errors' }).click()
    await page.waitForURL(/\/alerts\/rules\/new\?/)
    const backtest = page.getByRole('region', { name: 'Backtest' })
    await backtest.getByText(/^Would have fired once over 1 h/).waitFor()
    await backtest.getByRole('list', { name: 'When it would have fired' }).getByRole('img', { name: /^firing, critical/ }).waitFor()
    await settled(page)
    await shot(page, 'alert-rule-new-light')
    expect(await accessibilityViolations(page)).toEqual([])

    // A limit that nothing reaches, and one on the wrong side of it.
    const save = page.getByRole('button', { name: 'Save', exact: true })
    await page.getByRole('textbox', { name: 'Critical', exact: true }).fill('200')
    await page.getByRole('textbox', { name: 'Warning', exact: true }).fill('150')
    await backtest.getByText('Would not have fired over 1 h').waitFor()
    await page.getByRole('textbox', { name: 'Critical', exact: true }).fill('100')
    await page.getByRole('alert').filter({ hasText: 'What is critical must be a warning too' }).waitFor()
    expect(await save.isDisabled()).toBe(true)
    await page.getByRole('textbox', { name: 'Critical', exact: true }).fill('50')
    await page.getByRole('textbox', { name: 'Warning', exact: true }).fill('10')
    await backtest.getByText(/^Would have fired once over 1 h/).waitFor()
    await page.getByRole('textbox', { name: 'Name' }).fill('Checkout fails')
    await save.click()
    await page.waitForURL(/\/alerts\/rules\/\d+/)
    await page.getByText('above 50').waitFor()
    const id = /\/alerts\/rules\/(\d+)/.exec(page.url())![1]!
    const kept = await sightline.ask<{ document: { name: string; condition: object; formulas: object[] } }>(`/alerts/rules/${id}`)
    expect(kept?.document).toMatchObject({ name: 'Checkout fails', condition: { kind: 'threshold', op: 'above', warning: 10, critical: 50 }, formulas: [{ name: 'S', expression: '100 * or(E, 0) / A' }] })
    await settled(page)
    await page.mouse.move(700, 4) // off what has a tooltip
    await shot(page, 'alert-rule-light')
    expect(await accessibilityViolations(page)).toEqual([])

    // Changed, disabled with a way back, deleted with a way back.
    await page.keyboard.press('e')
    await page.getByRole('textbox', { name: 'For', exact: true }).fill('soon')
    await page.getByText('A time such as 5m or 1h is wanted').first().waitFor()
    await page.getByRole('textbox', { name: 'For', exact: true }).fill('3m')
    await page.reload()
    await page.getByText('Not saved').waitFor()
    await page.keyboard.press('Control+s')
    await page.getByText('above 50 for 3 min').waitFor()
    await page.getByRole('button', { name: 'More', exact: true }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page.getByText('Checkout fails deleted').waitFor()
    expect(await sightline.ask(`/alerts/rules/${id}`)).toBeNull()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.waitForURL(/\/alerts\/rules\/\d+/)
    await page.getByText('above 50 for 3 min').waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('shows what the server says at the member that it names', async () => {
    const page = await open('/alerts/rules/new?last=1h', { width: 1440, height: 1000 })
    await page.getByRole('textbox', { name: 'Critical', exact: true }).fill('1')
    const box = page.getByRole('textbox', { name: 'Query A' })
    await box.fill('{ status = } | rate()')
    await waitUntil(async () => (await box.getAttribute('aria-invalid')) === 'true', 'the query is marked')
    await page.getByRole('alert').filter({ hasText: /column \d+/ }).first().waitFor()
    await shot(page, 'alert-rule-wrong-light')
    await box.fill('{ status = error } | rate() by (resource.service.name)')
    await waitUntil(async () => (await box.getAttribute('aria-invalid')) === 'false', 'the query is fine')
    await page.getByRole('region', { name: 'Backtest' }).getByText(/Would/).waitFor()
    // Of each kind of condition and source something is shown.
    for (const [condition, words] of [['Anomaly', /Would/], ['No data', /Would/], ['Change', /Its values/]] as const) {
      await page.getByRole('radio', { name: condition, exact: true }).click()
      await page.getByRole('region', { name: 'Backtest' }).getByText(words).waitFor()
    } // prettier-ignore
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('is made of a panel of a dashboard, with its variables and limits', async () => {
    const page = await open('/dashboards/ready-service-overview?last=1h&var-service=checkout', { width: 1440, height: 1000 })
    await settled(page)
    const panel = page.getByRole('region', { name: 'Error share', exact: true }).first()
    await panel.hover()
    await panel.getByRole('button', { name: /^More for/ }).click()
    await page.getByRole('menuitem', { name: 'Make an alert of this chart' }).click()
    await page.waitForURL(/\/alerts\/rules\/new\?/)
    await page.getByRole('region', { name: 'Backtest' }).getByText(/^Would have fired/).waitFor()
    expect(await page.getByRole('textbox', { name: 'Name' }).inputValue()).toBe('Error share')
    await page.close()
  })
})

describe('an alert', () => {
  let made: Made
  it('fires of what comes in, is acknowledged, and is on Home', async () => {
    made = await post<Made>('/alerts/rules', { document: quick('cart', 'Cart fails') })
    const page = await open('/alerts', { width: 1440, height: 900 })
    await waitUntil(async () => {
      await send('cart', Date.now() - 500, true)
      const answer = await sightline.ask<{ alerts: unknown[] }>(`/alerts?rule=${made.id}&state=firing`)
      return (answer?.alerts.length ?? 0) > 0
    }, 'the alert fires')
    await page.keyboard.press('r')
    const row = page.getByRole('row').filter({ hasText: 'Cart fails' })
    await row.getByText('critical').waitFor()
    await row.getByText('cart has failures').waitFor()
    await settled(page)
    await shot(page, 'alerts-now-light')
    expect(await accessibilityViolations(page)).toEqual([])
    await page.keyboard.press('j')
    await waitUntil(async () => (await row.getAttribute('class'))?.includes('active') === true, 'the row is chosen by key')
    await page.keyboard.press('Enter')
    await page.waitForURL(new RegExp(`/alerts/rules/${made.id}`))
    await page.goBack()

    const home = await open('/?last=1h')
    await home.getByRole('region', { name: 'Alerts and SLOs' }).getByRole('link', { name: /Cart fails/ }).waitFor()
    await home.getByRole('link', { name: /alerts? fires?$/ }).waitFor()
    await settled(home)
    await shot(home, 'home-firing-light')
    expect(await accessibilityViolations(home)).toEqual([])
    await home.close()
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('has its history, and shades the charts of dashboards', async () => {
    const page = await open('/alerts?tab=history&last=1h', { width: 1440, height: 900 })
    await page.getByRole('list', { name: 'When what fired' }).getByRole('link', { name: /Cart fails/ }).waitFor()
    await page.getByRole('table', { name: 'Changes of state' }).getByRole('row').filter({ hasText: 'Cart fails' }).first().waitFor()
    await shot(page, 'alerts-history-light')
    expect(await accessibilityViolations(page)).toEqual([])
    await page.close()
    const document = { schema: 1, title: 'With alerts', annotations: [{ kind: 'alerts' }], panels: [{ id: 'p1', title: 'Calls', grid: { x: 0, y: 0, w: 24, h: 10 }, display: 'line', queries: [{ name: 'A', source: 'traceql', query: '{ } | rate() by (resource.service.name)' }] }] } // prettier-ignore
    const board = await post<Made>('/dashboards', { document })
    const dashboard = await open(`/dashboards/${board.id}?last=15m`)
    await settled(dashboard)
    const chart = dashboard.getByRole('region', { name: 'Calls' }).getByRole('img')
    const box = (await chart.boundingBox())!
    await waitUntil(async () => {
      for (let share = 0.99; share > 0.85; share -= 0.01) {
        await dashboard.mouse.move(box.x + box.width * share, box.y + box.height / 2)
        if ((await dashboard.locator('.chart-tip').first().textContent())?.includes('Cart fails fires')) return true
      }
      return false
    }, 'the chart tells that the alert fired')
    await shot(dashboard, 'dashboard-alerts-light')
    await dashboard.close()
  })

  it('is among the rules, which are searched by keys', async () => {
    const page = await open('/')
    await page.keyboard.press('g')
    await page.keyboard.press('w')
    await page.waitForURL(/\/alerts/)
    await page.getByRole('tab', { name: 'Rules' }).click()
    await page.getByRole('row').filter({ hasText: 'Cart fails' }).getByText('firing').waitFor()
    const broken = await post<Made>('/alerts/rules', { document: { ...quick('cart', 'Broken'), queries: [{ name: 'A', source: 'sql', query: 'SELECT count(NoSuchColumn) FROM otel_traces WHERE Timestamp >= $from' }] } })
    await waitUntil(async () => (await sightline.ask<{ status: { state: string } }>(`/alerts/rules/${broken.id}`))?.status.state === 'error', 'the rule fails')
    await page.keyboard.press('r')
    await page.getByRole('row').filter({ hasText: 'Broken' }).getByText(/NoSuchColumn/).waitFor()
    await shot(page, 'alerts-rules-light')
    expect(await accessibilityViolations(page)).toEqual([])
    await page.keyboard.press('/')
    await page.keyboard.type('broken')
    await waitUntil(async () => (await page.locator('a.name').count()) === 1, 'one is found')
    await page.close()
  })

  it('reads well in the dark and on a narrow screen', async () => {
    for (const [name, path] of [['now', '/alerts'], ['rule', `/alerts/rules/${made.id}?last=15m`], ['new', '/alerts/rules/new?last=1h']] as const) {
      const dark = await open(path, { theme: 'dark' })
      await settled(dark)
      await shot(dark, `alerts-${name}-dark`)
      expect(await accessibilityViolations(dark)).toEqual([])
      await dark.close()
      const narrow = await open(path, { width: 420, height: 900 })
      await settled(narrow)
      await shot(narrow, `alerts-${name}-narrow`)
      expect(await narrow.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
      await narrow.close()
    } // prettier-ignore
  })
})
