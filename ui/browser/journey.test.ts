// What a person does, from the first page to a log line and back, on the real program with the example service's traffic.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exampleTraffic } from './example'
import { accessibilityViolations, Browser, problems, settled, Sightline, VISIBLE_MS_MAX, waitUntil } from './harness'
import { tracesRequest } from './otlp'

const SHOTS = process.env.SIGHTLINE_SCREENSHOTS ?? join(import.meta.dirname, '../../build/test-results/screenshots')

let sightline: Sightline
let browser: Browser
beforeAll(async () => {
  await mkdir(SHOTS, { recursive: true })
  // Without metrics of its own, which would come into the empty store.
  sightline = await Sightline.start(['--set', 'self_metrics.interval=0s'])
  browser = await Browser.start()
})
afterAll(async () => {
  await browser?.close()
  await sightline?.close()
})

interface TraceSummary {
  trace_id: string
  root_name: string
  failures: { span_id: string; service: string; name: string; message: string }[]
}

async function openPage(path: string, options: Parameters<Browser['page']>[0] = {}): Promise<Page> {
  const page = await browser.page(options)
  page.setDefaultTimeout(VISIBLE_MS_MAX)
  await page.goto(sightline.url + path)
  return page
}

function pathOf(page: Page): string {
  const url = new URL(page.url())
  return url.pathname + url.search
}

const nowNano = () => BigInt(Date.now()) * 1_000_000n
let made = 0
function traceOf(service: string, name: string): object {
  made++
  const id = (digits: number) => made.toString(16).padStart(digits, '7')
  const end = nowNano()
  return tracesRequest(id(32), [{ id: id(16), name, service, kind: 2, startNano: end - 20_000_000n, endNano: end }])
}

describe('on an empty store', () => {
  it.each(['/', '/services', '/traces', '/logs', '/metrics'])('%s says how to send data', async (path) => {
    const page = await openPage(path)
    await page.getByText(/OTEL_EXPORTER_OTLP_ENDPOINT|Set up|How to send/i).first().waitFor()
    await settled(page)
    await page.screenshot({ path: join(SHOTS, `empty${path.replaceAll('/', '-')}.png`) })
    expect(await accessibilityViolations(page)).toEqual([])
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('sees the first data arrive', async () => {
    const page = await openPage('/settings/ingest')
    await page.getByText(sightline.otlpUrl).first().waitFor()
    await settled(page)
    await page.screenshot({ path: join(SHOTS, 'ingest-waiting.png') })
    await sightline.send('traces', traceOf('first-service', 'GET /first'))
    await page.getByText('first-service').first().waitFor()
    await page.screenshot({ path: join(SHOTS, 'ingest-arrived.png') })
    await page.close()
  })
})

describe('with the example traffic', () => {
  let failing: TraceSummary
  beforeAll(async () => {
    await exampleTraffic(sightline, { requests: 300, pastMinutes: 10, seed: 7 })
    const traces = await waitUntil(async () => {
      const answer = await sightline.ask<{ traces: TraceSummary[] }>('/traces?service=recommender&status=error&limit=1000')
      return answer !== null && answer.traces.length > 0 ? answer.traces : null
    }, 'failing traces')
    failing = traces.find((trace) => trace.failures.some((failure) => failure.message.startsWith('503'))) as TraceSummary
    expect(failing).toBeDefined()
  })

  it('leads from services to a trace, a span and its logs, and back', async () => {
    const page = await openPage('/services')
    await page.getByRole('link', { name: 'recommender', exact: true }).click()
    await page.getByRole('heading', { name: 'Operations' }).waitFor()
    expect(pathOf(page)).toBe('/services/recommender')

    await page.getByRole('link', { name: 'Failed', exact: true }).click()
    const row = page.getByRole('row').filter({ hasText: '503 Service Unavailable' }).first()
    await row.waitFor()
    const list = pathOf(page)
    expect(list).toBe('/traces?service=recommender&status=error')
    await row.getByText('GET /search').click()

    const causes = page.getByRole('region', { name: 'Likely causes of failure' })
    await causes.getByRole('button').filter({ hasText: '503 Service Unavailable' }).first().click()
    const panel = page.getByRole('complementary', { name: 'Span' })
    await panel.getByText('Failed').waitFor()
    await panel.getByRole('tab', { name: /^Trace logs/ }).click()
    await panel.getByText('Wikipedia did not answer; ranking without it').first().waitFor()
    await waitUntil(() => pathOf(page).includes('tab='), 'the tab is in the URL')
    const deep = pathOf(page)

    await page.reload()
    await panel.getByText('Wikipedia did not answer; ranking without it').first().waitFor()
    expect(pathOf(page)).toBe(deep)
    const shared = await openPage(deep)
    await shared.getByText('Wikipedia did not answer; ranking without it').first().waitFor()
    await shared.close()

    await waitUntil(async () => {
      if (pathOf(page) === list) return true
      await page.goBack()
      return false
    }, 'back at the list')
    await row.waitFor()
    await page.goBack()
    await page.getByRole('heading', { name: 'Operations' }).waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('searches logs by text and leads to the trace of a record', async () => {
    const page = await openPage('/logs')
    await page.getByRole('textbox', { name: 'Text in the body' }).fill('wikipedia DID not')
    await page.keyboard.press('Enter')
    await waitUntil(() => pathOf(page).includes('text='), 'the text is in the URL')
    await waitUntil(async () => {
      const rows = await page.getByRole('table', { name: 'Log records' }).getByRole('row').allTextContents()
      return rows.length > 1 && rows.every((row) => row.includes('Wikipedia did not answer'))
    }, 'only records with the text')
    await page.getByRole('button', { name: /^Open the record/ }).first().click()
    await page.getByRole('complementary', { name: 'Log record' }).getByRole('link', { name: /^Open the trace/ }).click()
    await page.getByRole('treegrid', { name: 'Spans of the trace' }).waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('draws a metric, grouped by an attribute', async () => {
    const page = await openPage('/metrics')
    await page.getByText('recommender.searches').first().click()
    await waitUntil(() => pathOf(page).includes('name=recommender.searches'), 'the metric is in the URL')
    await page.getByRole('img', { name: /recommender\.searches/ }).first().waitFor()
    await page.goto(`${sightline.url}/metrics?name=recommender.searches&group_by=outcome`)
    await page.getByRole('table').getByText('error').first().waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('says that the program does not answer, keeps what it shows, and goes on when it is back', async () => {
    const page = await openPage('/services')
    const row = page.getByRole('row').filter({ hasText: 'recommender' })
    await row.waitFor()
    await sightline.stop()
    await page.getByText(/does not answer/).first().waitFor()
    await row.waitFor()
    await sightline.startAgain()
    await page.getByText('Sightline answers again').waitFor()
    expect(await page.getByText(/does not answer/).count()).toBe(0)
    await sightline.send('traces', traceOf('late-service', 'GET /late'))
    await page.goto(`${sightline.url}/services?live=5s`)
    await page.getByRole('row').filter({ hasText: 'late-service' }).waitFor()
    await row.waitFor()
    await page.close()
  })

  it('asks no other host, under a policy that forbids it', async () => {
    const page = await browser.page()
    const hosts = new Set<string>()
    page.on('request', (request) => hosts.add(new URL(request.url()).host))
    const answer = await page.goto(sightline.url)
    await page.getByRole('heading', { name: 'Likely causes' }).waitFor()
    const policy = answer?.headers()['content-security-policy'] ?? ''
    const [paint] = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint').map((entry) => entry.startTime))
    console.log(`first content after ${Math.round(paint ?? 0)} ms`)
    expect([...hosts]).toEqual([new URL(sightline.url).host])
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('unsafe')
    await page.close()
  })

  const screens: [name: string, path: () => string, shown: string | RegExp][] = [
    ['home', () => '/', 'Likely causes'],
    ['services', () => '/services', 'model-server'],
    ['service', () => '/services/recommender', 'query_parser.parse'],
    ['traces', () => '/traces?status=error', '503 Service Unavailable'],
    ['trace-waterfall', () => `/traces/${failing.trace_id}?span=${failing.failures[0]?.span_id}`, 'Critical path'],
    ['trace-flame', () => `/traces/${failing.trace_id}?view=flame`, 'Critical path'],
    ['logs', () => '/logs', /search for/],
    ['metrics', () => '/metrics', 'recommender.searches'],
    ['metric', () => '/metrics?name=http.server.request.duration', 'p95'],
    ['settings', () => '/settings/ingest', 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  ]
  for (const theme of ['light', 'dark'] as const) {
    it.each(screens)(`%s is accessible in ${theme}`, async (name, path, shown) => {
      const page = await openPage(path(), { theme })
      await page.getByText(shown).first().waitFor()
      await settled(page)
      await page.screenshot({ path: join(SHOTS, `${name}-${theme}.png`) })
      expect(await accessibilityViolations(page)).toEqual([])
      await page.setViewportSize({ width: 700, height: 900 })
      await page.getByText(shown).first().waitFor()
      await settled(page)
      await page.screenshot({ path: join(SHOTS, `${name}-${theme}-narrow.png`) })
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(700)
      expect(problems(page)).toEqual([])
      await page.close()
    })
  }
})
